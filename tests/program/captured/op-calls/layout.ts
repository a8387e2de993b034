import { sizeOf } from '../../../../src/core/host-tensor.js';
import {
  ALL,
  axis,
  type Calls,
  call,
  dims,
  flag,
  int,
  known,
  type MakeCall,
  narrowed,
  permutation,
  pick,
  scalar,
  some,
  tensor,
  vector,
} from './make.js';

const reshape: MakeCall = (op, draw) => {
  const T = pick(draw, ALL);
  const pieces = dims(draw, 0, 3);
  const shape = permutation(draw, pieces.length).map((i) => pieces[i]!);
  // Neighbours multiplied together, ones put in, and one size left open.
  const joined = flag(draw) && shape.length > 1 ? [shape[0]! * shape[1]!, ...shape.slice(2)] : shape;
  const wanted: number[] = flag(draw) ? [...joined, 1] : [...joined];
  const open = int(draw, -1, wanted.length - 1);
  if (open >= 0 && sizeOf(wanted.filter((_, i) => i !== open)) > 0) wanted[open] = -1;
  return call(op, [tensor(T, pieces), vector(draw, wanted)], { T: { type: T } });
};

const transpose: MakeCall = (op, draw) => {
  const T = pick(draw, ALL);
  const shape = dims(draw);
  return call(op, [tensor(T, shape), vector(draw, permutation(draw, shape.length))], { T: { type: T } });
};

const expandDims: MakeCall = (op, draw) => {
  const T = pick(draw, ALL);
  const shape = dims(draw);
  const at = axis(draw, shape.length + 1);
  return call(op, [tensor(T, shape), flag(draw) ? scalar(at) : known('int32', [1], [at])], { T: { type: T } });
};

const squeeze: MakeCall = (op, draw) => {
  const T = pick(draw, ALL);
  const shape = dims(draw);
  const units = [...shape.keys()].filter((i) => shape[i] === 1);
  const axes = some(draw, units).map((i) => (flag(draw) ? i : i - shape.length));
  const attributes = { T: { type: T }, ...(axes.length > 0 ? { squeeze_dims: { ints: axes } } : {}) };
  return call(op, [tensor(T, shape)], attributes);
};

const tile: MakeCall = (op, draw) => {
  const T = pick(draw, ALL);
  const shape = dims(draw, 0, 3);
  return call(
    op,
    [
      tensor(T, shape),
      vector(
        draw,
        shape.map(() => int(draw, 0, 3)),
      ),
    ],
    { T: { type: T } },
  );
};

const pad: MakeCall = (op, draw) => {
  const T = pick(draw, ALL);
  const shape = dims(draw, 0, 3);
  const paddings = known(
    pick(draw, ['int32', 'int64'] as const),
    [shape.length, 2],
    shape.flatMap(() => [int(draw, 0, 2), int(draw, 0, 2)]),
  );
  const inputs = [tensor(T, shape), paddings];
  return call(op, op === 'PadV2' ? [...inputs, tensor(T, [])] : inputs, { T: { type: T } });
};

const broadcastTo: MakeCall = (op, draw) => {
  const T = pick(draw, ALL);
  const shape = dims(draw, 0, 4, 1);
  return call(op, [tensor(T, narrowed(draw, shape)), vector(draw, shape)], { T: { type: T } });
};

export const layoutCalls: Calls = {
  Reshape: reshape,
  Transpose: transpose,
  ExpandDims: expandDims,
  Squeeze: squeeze,
  Tile: tile,
  Pad: pad,
  PadV2: pad,
  BroadcastTo: broadcastTo,
};
