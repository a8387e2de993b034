import type { Dtype } from '../graph.js';
import {
  ANY,
  axisOf,
  BOOL,
  boolAttribute,
  checkIndices,
  FLOATS,
  integerOf,
  NUMBERS,
  refuse,
  take,
  typeAttribute,
  typeOf,
  valuesOf,
} from './operands.js';
import type { ShapeRule } from './rule.js';

/** Axes disappear, or become 1 with keep_dims. */
const reduce =
  (allowed: readonly Dtype[]): ShapeRule =>
  (call) => {
    const [x, axes] = take(call, 'input', 'axes');
    const dtype = typeOf(call, [x], allowed);
    checkIndices(call, axes, 'axes');
    const gone = valuesOf(call, axes, 'axes').map((axis) => axisOf(call, axis, x.shape.length));
    if (new Set(gone).size < gone.length) refuse(call, `an axis comes twice in ${gone}`);
    const shape = boolAttribute(call, 'keep_dims')
      ? x.shape.map((d, i) => (gone.includes(i) ? 1 : d))
      : x.shape.filter((_, i) => !gone.includes(i));
    return [{ shape, dtype }];
  };

const argMax: ShapeRule = (call) => {
  const [x, axis] = take(call, 'input', 'axis');
  typeOf(call, [x], ANY);
  const gone = axisOf(call, integerOf(call, axis, 'axis'), x.shape.length);
  if (x.shape[gone] === 0) refuse(call, `axis ${gone} is empty`);
  return [{ shape: x.shape.filter((_, i) => i !== gone), dtype: typeAttribute(call, 'output_type', 'int64') }];
};

const topK: ShapeRule = (call) => {
  const [x, k] = take(call, 'input', 'k');
  const dtype = typeOf(call, [x], NUMBERS);
  const count = integerOf(call, k, 'k');
  const last = x.shape.at(-1);
  if (last === undefined || count < 0 || count > last) refuse(call, `cannot choose ${count} of the last axis`);
  const shape = [...x.shape.slice(0, -1), count];
  return [
    { shape, dtype },
    { shape, dtype: typeAttribute(call, 'index_type', 'int32') },
  ];
};

const cumsum: ShapeRule = (call) => {
  const [x, axis] = take(call, 'x', 'axis');
  const dtype = typeOf(call, [x], NUMBERS);
  axisOf(call, integerOf(call, axis, 'axis'), x.shape.length);
  return [{ shape: x.shape, dtype }];
};

const softmax: ShapeRule = (call) => {
  const [x] = take(call, 'logits');
  if (x.shape.length === 0) refuse(call, 'logits must have an axis');
  return [{ shape: x.shape, dtype: typeOf(call, [x], FLOATS) }];
};

/** Losses [M], and their gradient towards the logits [M, V]. */
const sparseCrossEntropy: ShapeRule = (call) => {
  const [logits, labels] = take(call, 'logits', 'labels');
  const dtype = typeOf(call, [logits], FLOATS);
  checkIndices(call, labels, 'labels');
  const [rows, classes] = logits.shape;
  if (logits.shape.length !== 2 || labels.shape.length !== 1 || rows !== labels.shape[0] || classes === 0)
    refuse(call, 'expected logits [M, V] and labels [M]');
  return [
    { shape: labels.shape, dtype },
    { shape: logits.shape, dtype },
  ];
};

/** Rules of ops that look along whole axes. */
export const reductions: Readonly<Record<string, ShapeRule>> = {
  Sum: reduce(NUMBERS),
  Mean: reduce(NUMBERS),
  Max: reduce(NUMBERS),
  Min: reduce(NUMBERS),
  Any: reduce(BOOL),
  All: reduce(BOOL),
  ArgMax: argMax,
  TopKV2: topK,
  Cumsum: cumsum,
  Softmax: softmax,
  LogSoftmax: softmax,
  SparseSoftmaxCrossEntropyWithLogits: sparseCrossEntropy,
};
