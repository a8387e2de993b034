import type { Dtype } from '../graph.js';
import {
  boolAttribute,
  broadcast,
  checkRank,
  FLOATS,
  NUMBERS,
  refuse,
  sameShape,
  stringAttribute,
  take,
  typeOf,
} from './operands.js';
import type { OpCall, ShapeRule } from './rule.js';

/** Types that are multiplied as matrices. */
const FACTORS: readonly Dtype[] = [...FLOATS, 'int32', 'int64'];

/** Last two axes of a product of matrices, each taken as it is or turned. */
function matrix(call: OpCall, a: readonly number[], b: readonly number[], turnA: boolean, turnB: boolean): number[] {
  const last = (shape: readonly number[], turned: boolean) => {
    const [rows, columns] = shape.slice(-2) as [number, number];
    return turned ? ([columns, rows] as const) : ([rows, columns] as const);
  };
  const [m, inner] = last(a, turnA);
  const [other, n] = last(b, turnB);
  if (inner !== other) refuse(call, `the inner sizes ${inner} and ${other} differ`);
  return [m, n];
}

const matMul: ShapeRule = (call) => {
  const [a, b] = take(call, 'a', 'b');
  checkRank(call, a, 2, 'a');
  checkRank(call, b, 2, 'b');
  const turned = [boolAttribute(call, 'transpose_a'), boolAttribute(call, 'transpose_b')] as const;
  return [{ shape: matrix(call, a.shape, b.shape, ...turned), dtype: typeOf(call, [a, b], FACTORS) }];
};

const batchMatMul =
  (broadcasts: boolean): ShapeRule =>
  (call) => {
    const [a, b] = take(call, 'x', 'y');
    if (a.shape.length < 2 || b.shape.length < 2) refuse(call, 'expected matrices, or batches of them');
    const [batchA, batchB] = [a.shape.slice(0, -2), b.shape.slice(0, -2)];
    if (!broadcasts && !sameShape(batchA, batchB)) refuse(call, 'the batches differ in shape');
    const turned = [boolAttribute(call, 'adj_x'), boolAttribute(call, 'adj_y')] as const;
    const shape = [...broadcast(call, batchA, batchB), ...matrix(call, a.shape, b.shape, ...turned)];
    return [{ shape, dtype: typeOf(call, [a, b], FACTORS) }];
  };

/** A bias for each element of the last axis. */
const biasAdd: ShapeRule = (call) => {
  const [x, bias] = take(call, 'value', 'bias');
  if (stringAttribute(call, 'data_format', 'NHWC') !== 'NHWC') refuse(call, 'there is a rule for NHWC only');
  if (x.shape.length < 2 || bias.shape.length !== 1 || bias.shape[0] !== x.shape.at(-1))
    refuse(call, 'expected [..., D] and a bias [D]');
  return [{ shape: x.shape, dtype: typeOf(call, [x, bias], NUMBERS) }];
};

/** Sums of products by labels of axes, such as `ij,jk->ik`; ellipses have no rule. */
const einsum: ShapeRule = (call) => {
  const equation = stringAttribute(call, 'equation');
  const [, left, right] = /^([a-zA-Z,]*)->([a-zA-Z]*)$/.exec(equation) ?? [];
  const terms = left?.split(',');
  if (!terms || right === undefined || terms.length !== call.inputs.length || terms.length > 2)
    return refuse(call, `expected one or two operands, labelled by letters only, got ${equation}`);
  const sizes = new Map<string, number>();
  for (const [i, labels] of terms.entries()) {
    const { shape } = call.inputs[i]!;
    if (labels.length !== shape.length) refuse(call, `${labels} does not label the axes of ${i}`);
    for (const [axis, label] of [...labels].entries()) {
      const size = shape[axis]!;
      if ((sizes.get(label) ?? size) !== size) refuse(call, `${label} has two sizes in ${equation}`);
      sizes.set(label, size);
    }
  }
  const shape = [...right].map((label) => sizes.get(label) ?? refuse(call, `nothing is labelled ${label}`));
  return [{ shape, dtype: typeOf(call, call.inputs, FACTORS) }];
};

/** Rules of products of matrices, and of what is added to them. */
export const products: Readonly<Record<string, ShapeRule>> = {
  MatMul: matMul,
  BatchMatMul: batchMatMul(false),
  BatchMatMulV2: batchMatMul(true),
  BiasAdd: biasAdd,
  Einsum: einsum,
};
