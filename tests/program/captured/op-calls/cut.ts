import {
  ALL,
  axis,
  type Calls,
  call,
  type Draw,
  dim,
  dims,
  flag,
  int,
  known,
  type MakeCall,
  pick,
  scalar,
  some,
  tensor,
  vector,
} from './make.js';

const replaced = (shape: readonly number[], at: number, size: number): number[] => {
  const from = at < 0 ? at + shape.length : at;
  return shape.map((d, i) => (i === from ? size : d));
};

const concat: MakeCall = (op, draw) => {
  const T = pick(draw, ALL);
  const shape = dims(draw, 1);
  const at = axis(draw, shape.length);
  const N = int(draw, 2, 4);
  const parts = Array.from({ length: N }, () => tensor(T, replaced(shape, at, dim(draw))));
  return call(op, [...parts, scalar(at)], { N: { int: N }, T: { type: T } });
};

const split: MakeCall = (op, draw) => {
  const T = pick(draw, ALL);
  const shape = dims(draw, 1);
  const at = axis(draw, shape.length);
  const parts = int(draw, 1, 4);
  const x = tensor(T, replaced(shape, at, parts * dim(draw)));
  return call(op, [scalar(at), x], { T: { type: T }, num_split: { int: parts } }, parts);
};

const splitV: MakeCall = (op, draw) => {
  const T = pick(draw, ALL);
  const shape = dims(draw, 1);
  const at = axis(draw, shape.length);
  const sizes = Array.from({ length: int(draw, 1, 4) }, () => dim(draw));
  const x = tensor(
    T,
    replaced(
      shape,
      at,
      sizes.reduce((sum, size) => sum + size, 0),
    ),
  );
  if (sizes.length > 1 && flag(draw)) sizes[int(draw, 0, sizes.length - 1)] = -1;
  const attributes = { T: { type: T }, num_split: { int: sizes.length } };
  return call(op, [x, vector(draw, sizes), scalar(at)], attributes, sizes.length);
};

const slice: MakeCall = (op, draw) => {
  const T = pick(draw, ALL);
  const shape = dims(draw);
  const begin = shape.map((d) => int(draw, 0, d));
  const size = shape.map((d, i) => (flag(draw) ? -1 : int(draw, 0, d - begin[i]!)));
  const index = vector(draw, begin);
  const open = size.includes(-1) || flag(draw);
  const sizes = { ...vector(draw, size), dtype: index.dtype };
  // A start that is not constant is zero when it runs here.
  return call(op, [tensor(T, shape), open ? index : tensor(index.dtype, index.shape), sizes], { T: { type: T } });
};

/** One entry of begin, end and strides, and the masks it sets. */
type Entry = readonly [begin: number, end: number, stride: number, masks: readonly string[]];

function entryOf(draw: Draw, d: number): Entry {
  if (d > 0 && int(draw, 0, 3) === 0) return [int(draw, -d, d - 1), int(draw, -3, 3), int(draw, 1, 2), ['shrink_axis']];
  const masks = some(draw, ['begin', 'end']);
  return [int(draw, -7, 7), int(draw, -7, 7), pick(draw, [1, 1, 2, 3, -1, -2]), masks];
}

/** Cuts, single elements and new axes, some axes left to an ellipsis or not spoken of at the end. */
function entriesOf(draw: Draw, shape: readonly number[]): Entry[] {
  const blind = (masks: readonly string[]): Entry => [int(draw, -2, 2), int(draw, -2, 2), 1, masks];
  const from = int(draw, 0, shape.length);
  const to = int(draw, from, shape.length);
  const entries: Entry[] = [];
  for (const [i, d] of shape.entries()) {
    if (int(draw, 0, 3) === 0) entries.push(blind(['new_axis', ...some(draw, ['shrink_axis', 'begin'])]));
    if (i === from && to < shape.length) entries.push(blind(['ellipsis', ...some(draw, ['new_axis', 'shrink_axis'])]));
    if (i < from || i >= to) entries.push(entryOf(draw, d));
  }
  return entries;
}

const stridedSlice: MakeCall = (op, draw) => {
  const T = pick(draw, ALL);
  const shape = dims(draw);
  const entries = entriesOf(draw, shape);
  const index = pick(draw, ['int32', 'int64'] as const);
  const column = (at: 0 | 1 | 2) =>
    known(
      index,
      [entries.length],
      entries.map((entry) => entry[at]),
    );
  const masks = ['begin', 'end', 'ellipsis', 'new_axis', 'shrink_axis'].map((name) => {
    const bits = entries.map(([, , , set], i) => (set.includes(name) ? 1 << i : 0));
    return [`${name}_mask`, { int: bits.reduce((mask, bit) => mask | bit, 0) }] as const;
  });
  const attributes = { T: { type: T }, ...Object.fromEntries(masks) };
  return call(op, [tensor(T, shape), column(0), column(1), column(2)], attributes);
};

const pack: MakeCall = (op, draw) => {
  const T = pick(draw, ALL);
  const shape = dims(draw, 0, 3);
  const N = int(draw, 1, 4);
  const inputs = Array.from({ length: N }, () => tensor(T, shape));
  return call(op, inputs, { N: { int: N }, T: { type: T }, axis: { int: axis(draw, shape.length + 1) } });
};

const unpack: MakeCall = (op, draw) => {
  const T = pick(draw, ALL);
  const shape = dims(draw, 1, 4, 1);
  const at = axis(draw, shape.length);
  const num = shape.at(at)!;
  return call(op, [tensor(T, shape)], { T: { type: T }, axis: { int: at }, num: { int: num } }, num);
};

export const cutCalls: Calls = {
  ConcatV2: concat,
  Split: split,
  SplitV: splitV,
  Slice: slice,
  StridedSlice: stridedSlice,
  Pack: pack,
  Unpack: unpack,
};
