import {
  ANY,
  checkIndices,
  checkRank,
  checkSizes,
  FLOATS,
  refuse,
  sameShape,
  take,
  typeAttribute,
  typeOf,
  valuesOf,
  vectorOf,
} from './operands.js';
import type { ShapeRule } from './rule.js';

const fill: ShapeRule = (call) => {
  const [dims, value] = take(call, 'dims', 'value');
  const shape = vectorOf(call, dims, 'shape');
  checkSizes(call, shape, 'shape');
  checkRank(call, value, 0, 'value');
  return [{ shape, dtype: typeOf(call, [value], ANY) }];
};

const range: ShapeRule = (call) => {
  const operands = take(call, 'start', 'limit', 'delta');
  const dtype = typeOf(call, operands, ['int32', 'int64', 'float32'], 'Tidx');
  const [start, limit, delta] = operands.map((operand, i) => {
    const what = ['start', 'limit', 'delta'][i]!;
    checkRank(call, operand, 0, what);
    return valuesOf(call, operand, what)[0]!;
  }) as [number, number, number];
  if (delta === 0 || (limit - start) * delta < 0)
    refuse(call, `steps of ${delta} never lead from ${start} to ${limit}`);
  // TensorFlow counts in the type of the numbers.
  const exact = dtype === 'float32' ? Math.fround : (x: number) => x;
  return [{ shape: [Math.ceil(Math.abs(exact(exact(exact(limit) - exact(start)) / exact(delta))))], dtype }];
};

/** Random numbers of a constant shape, from a seed of two numbers. */
const statelessRandom: ShapeRule = (call) => {
  const [dims, seed] = take(call, 'shape', 'seed');
  const shape = vectorOf(call, dims, 'shape');
  checkSizes(call, shape, 'shape');
  checkIndices(call, seed, 'seed');
  if (!sameShape(seed.shape, [2])) refuse(call, 'its seed must be [2]');
  const dtype = typeAttribute(call, 'dtype', 'float32');
  if (!FLOATS.includes(dtype)) refuse(call, `cannot draw ${dtype}`);
  return [{ shape, dtype }];
};

/** Rules of ops that make tensors of no other tensor's elements. */
export const creations: Readonly<Record<string, ShapeRule>> = {
  Fill: fill,
  Range: range,
  StatelessRandomUniform: statelessRandom,
  StatelessRandomNormal: statelessRandom,
};
