import { sizeOf } from '../../../core/host-tensor.js';
import type { Dtype } from '../graph.js';
import {
  ANY,
  axisOf,
  checkIndices,
  checkRank,
  checkSizes,
  INDICES,
  INT32,
  INTEGERS,
  intAttribute,
  integerOf,
  NUMBERS,
  refuse,
  sameShape,
  take,
  text,
  typeOf,
  vectorOf,
} from './operands.js';
import type { OpCall, Operand, ShapeRule } from './rule.js';

const gather: ShapeRule = (call) => {
  const [x, indices, axisOperand] = take(call, 'params', 'indices', 'axis');
  checkIndices(call, indices, 'indices');
  const axis = axisOf(call, integerOf(call, axisOperand, 'axis'), x.shape.length);
  const given = intAttribute(call, 'batch_dims', 0);
  const batch = given < 0 ? given + indices.shape.length : given;
  if (batch < 0 || batch > Math.min(axis, indices.shape.length))
    refuse(call, `batch_dims ${given} must not be past axis ${axis} or the rank of the indices`);
  if (!sameShape(x.shape.slice(0, batch), indices.shape.slice(0, batch))) refuse(call, 'the batches differ in shape');
  const shape = [...x.shape.slice(0, axis), ...indices.shape.slice(batch), ...x.shape.slice(axis + 1)];
  return [{ shape, dtype: typeOf(call, [x], ANY, 'Tparams') }];
};

/** Shape of what indices [..., depth] point to in a tensor of this shape. */
function pointedTo(call: OpCall, indices: Operand, shape: readonly number[]): number[] {
  checkIndices(call, indices, 'indices');
  const depth = indices.shape.at(-1);
  if (depth === undefined || depth > shape.length)
    return refuse(call, `the indices must have an axis, the last one no longer than the rank of ${text(shape)}`);
  if (sizeOf(shape) === 0 && sizeOf(indices.shape) > 0) refuse(call, `there is nothing to point to in ${text(shape)}`);
  return [...indices.shape.slice(0, -1), ...shape.slice(depth)];
}

const gatherNd: ShapeRule = (call) => {
  const [x, indices] = take(call, 'params', 'indices');
  if (x.shape.length === 0) refuse(call, 'nothing can be gathered from a scalar');
  return [{ shape: pointedTo(call, indices, x.shape), dtype: typeOf(call, [x], ANY, 'Tparams') }];
};

function scattered(call: OpCall, indices: Operand, updates: Operand, shape: readonly number[], dtype: Dtype) {
  const expected = pointedTo(call, indices, shape);
  if (!sameShape(updates.shape, expected)) refuse(call, `expected updates ${text(expected)}`);
  return [{ shape, dtype }];
}

const scatterNd: ShapeRule = (call) => {
  const [indices, updates, wanted] = take(call, 'indices', 'updates', 'shape');
  typeOf(call, [indices, wanted], INDICES, 'Tindices');
  const shape = vectorOf(call, wanted, 'shape');
  checkSizes(call, shape, 'shape');
  return scattered(call, indices, updates, shape, typeOf(call, [updates], ANY));
};

const tensorScatter =
  (allowed: readonly Dtype[]): ShapeRule =>
  (call) => {
    const [x, indices, updates] = take(call, 'tensor', 'indices', 'updates');
    if (x.shape.length === 0) refuse(call, 'nothing can be scattered into a scalar');
    return scattered(call, indices, updates, x.shape, typeOf(call, [x, updates], allowed));
  };

const unsortedSegmentSum: ShapeRule = (call) => {
  const [data, ids, count] = take(call, 'data', 'segment ids', 'num_segments');
  checkIndices(call, ids, 'segment ids');
  const segments = integerOf(call, count, 'number of segments');
  checkSizes(call, [segments], 'number of segments');
  const rank = ids.shape.length;
  if (!sameShape(data.shape.slice(0, rank), ids.shape)) refuse(call, 'data must begin with the shape of the ids');
  return [{ shape: [segments, ...data.shape.slice(rank)], dtype: typeOf(call, [data], NUMBERS) }];
};

const oneHot: ShapeRule = (call) => {
  const [indices, depth, on, off] = take(call, 'indices', 'depth', 'on', 'off');
  if (!INTEGERS.includes(indices.dtype)) refuse(call, `indices must be whole numbers, got ${indices.dtype}`);
  const classes = integerOf(call, depth, 'depth', INT32);
  checkSizes(call, [classes], 'depth');
  for (const value of [on, off]) checkRank(call, value, 0, 'value');
  const axis = intAttribute(call, 'axis', -1);
  const place = axisOf(call, axis, indices.shape.length + 1);
  if (axis < -1) refuse(call, `there is no axis ${axis}`);
  const shape = [...indices.shape.slice(0, place), classes, ...indices.shape.slice(place)];
  return [{ shape, dtype: typeOf(call, [on, off], ANY) }];
};

/** Rules of ops that read or write by index. */
export const gathers: Readonly<Record<string, ShapeRule>> = {
  GatherV2: gather,
  GatherNd: gatherNd,
  ScatterNd: scatterNd,
  TensorScatterUpdate: tensorScatter(ANY),
  TensorScatterAdd: tensorScatter(NUMBERS),
  UnsortedSegmentSum: unsortedSegmentSum,
  OneHot: oneHot,
};
