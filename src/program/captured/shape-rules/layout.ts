import { sizeOf } from '../../../core/host-tensor.js';
import {
  ANY,
  axisOf,
  checkIndices,
  checkRank,
  checkSizes,
  refuse,
  sameShape,
  take,
  text,
  typeOf,
  valuesOf,
  vectorOf,
} from './operands.js';
import type { OpCall, ShapeRule } from './rule.js';

const reshape: ShapeRule = (call) => {
  const [x, wanted] = take(call, 'tensor', 'shape');
  const sizes = vectorOf(call, wanted, 'shape');
  const shape = sizes.includes(-1) ? fill(call, sizes, x.shape) : sizes;
  checkSizes(call, shape, 'shape');
  if (sizeOf(shape) !== sizeOf(x.shape)) refuse(call, `${text(x.shape)} does not fill ${text(sizes)}`);
  return [{ shape, dtype: typeOf(call, [x], ANY) }];
};

/**
 * The shape with its one -1 worked out. Beside a 0 it is worked out from what is not 0 on either
 * side, as TensorFlow does.
 */
function fill(call: OpCall, sizes: readonly number[], from: readonly number[]): number[] {
  const known = sizes.filter((size) => size !== -1);
  if (known.length < sizes.length - 1) refuse(call, `more than one -1 in ${text(sizes)}`);
  const count = (dims: readonly number[]) => sizeOf(known.includes(0) ? dims.filter((d) => d !== 0) : dims);
  return sizes.map((size) => (size === -1 ? Math.floor(count(from) / count(known)) : size));
}

const transpose: ShapeRule = (call) => {
  const [x, perm] = take(call, 'x', 'perm');
  const order = vectorOf(call, perm, 'permutation').map((axis) => axisOf(call, axis, x.shape.length));
  if (order.length !== x.shape.length || new Set(order).size < order.length)
    refuse(call, `${text(order)} is not a permutation of rank ${x.shape.length}`);
  return [{ shape: order.map((axis) => x.shape[axis]!), dtype: typeOf(call, [x], ANY) }];
};

const expandDims: ShapeRule = (call) => {
  const [x, dim] = take(call, 'input', 'axis');
  checkIndices(call, dim, 'axis');
  const [axis, ...more] = valuesOf(call, dim, 'axis');
  if (axis === undefined || more.length > 0) return refuse(call, 'its axis must be one number');
  const place = axisOf(call, axis, x.shape.length + 1);
  return [{ shape: [...x.shape.slice(0, place), 1, ...x.shape.slice(place)], dtype: typeOf(call, [x], ANY) }];
};

const squeeze: ShapeRule = (call) => {
  const [x] = take(call, 'input');
  const given = call.attributes.squeeze_dims;
  const axes = given && 'ints' in given ? given.ints.map((axis) => axisOf(call, axis, x.shape.length)) : [];
  for (const axis of axes) if (x.shape[axis] !== 1) refuse(call, `axis ${axis} is not 1`);
  const goes = (d: number, i: number) => (axes.length > 0 ? axes.includes(i) : d === 1);
  return [{ shape: x.shape.filter((d, i) => !goes(d, i)), dtype: typeOf(call, [x], ANY) }];
};

const tile: ShapeRule = (call) => {
  const [x, multiples] = take(call, 'input', 'multiples');
  const times = vectorOf(call, multiples, 'multiples');
  checkSizes(call, times, 'multiples');
  if (times.length !== x.shape.length) refuse(call, `expected ${x.shape.length} multiples, got ${text(times)}`);
  return [{ shape: x.shape.map((d, i) => d * times[i]!), dtype: typeOf(call, [x], ANY) }];
};

/** Paddings [rank, 2]: elements before and after each axis. */
function padded(call: OpCall, shape: readonly number[]): number[] {
  const paddings = call.inputs[1]!;
  checkIndices(call, paddings, 'paddings');
  if (!sameShape(paddings.shape, [shape.length, 2])) refuse(call, `its paddings must be [${shape.length}, 2]`);
  const sizes = valuesOf(call, paddings, 'paddings');
  checkSizes(call, sizes, 'paddings');
  return shape.map((d, i) => d + sizes[2 * i]! + sizes[2 * i + 1]!);
}

const pad: ShapeRule = (call) => {
  const [x] = take(call, 'input', 'paddings');
  return [{ shape: padded(call, x.shape), dtype: typeOf(call, [x], ANY) }];
};

const padV2: ShapeRule = (call) => {
  const [x, , value] = take(call, 'input', 'paddings', 'value');
  checkRank(call, value, 0, 'value');
  return [{ shape: padded(call, x.shape), dtype: typeOf(call, [x, value], ANY) }];
};

const broadcastTo: ShapeRule = (call) => {
  const [x, wanted] = take(call, 'input', 'shape');
  const shape = vectorOf(call, wanted, 'shape');
  checkSizes(call, shape, 'shape');
  const missing = shape.length - x.shape.length;
  if (missing < 0 || x.shape.some((d, i) => d !== 1 && d !== shape[i + missing]))
    refuse(call, `${text(x.shape)} does not broadcast to ${text(shape)}`);
  return [{ shape, dtype: typeOf(call, [x], ANY) }];
};

/** Rules of ops that rearrange the elements of one tensor. */
export const layout: Readonly<Record<string, ShapeRule>> = {
  Reshape: reshape,
  Transpose: transpose,
  ExpandDims: expandDims,
  Squeeze: squeeze,
  Tile: tile,
  Pad: pad,
  PadV2: padV2,
  BroadcastTo: broadcastTo,
};
