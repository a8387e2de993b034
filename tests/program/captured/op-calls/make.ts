import fc from 'fast-check';
import { sizeOf } from '../../../../src/core/host-tensor.js';
import type { Attributes, Dtype } from '../../../../src/program/captured/graph.js';
import type { OpCall, Operand } from '../../../../src/program/captured/shape-rules/rule.js';

/** Draws a value of an arbitrary; fast-check's own. */
export type Draw = fc.GeneratorValue;

/** Makes up a call that the op takes. */
export type MakeCall = (op: string, draw: Draw) => OpCall;

/** Calls of one kind, by op. */
export type Calls = Readonly<Record<string, MakeCall>>;

/** The same for several ops. */
export const each = (ops: readonly string[], make: MakeCall): Calls => Object.fromEntries(ops.map((op) => [op, make]));

export const FLOATS: readonly Dtype[] = ['float32', 'bfloat16'];
export const COMMON: readonly Dtype[] = [...FLOATS, 'int32', 'int64'];
export const ALL: readonly Dtype[] = [...COMMON, 'int8', 'uint8', 'bool'];

export const int = (draw: Draw, min: number, max: number): number => draw(fc.integer, { min, max });
export const flag = (draw: Draw): boolean => draw(fc.boolean);
export const pick = <T>(draw: Draw, list: readonly T[]): T => list[int(draw, 0, list.length - 1)]!;
export const some = <T>(draw: Draw, list: readonly T[]): T[] => list.filter(() => flag(draw));

/** A size of an axis: rarely none, often 1. */
export const dim = (draw: Draw, min = 0): number => Math.max(min, pick(draw, [0, 1, 1, 2, 2, 3, 3, 4, 5]));

export const dims = (draw: Draw, minRank = 0, maxRank = 4, minDim = 0): number[] =>
  Array.from({ length: int(draw, minRank, maxRank) }, () => dim(draw, minDim));

/** A shape that broadcasts into this one: leading axes gone, others 1. */
export const narrowed = (draw: Draw, shape: readonly number[]): number[] =>
  shape.slice(int(draw, 0, shape.length)).map((d) => (int(draw, 0, 2) === 0 ? 1 : d));

/** An axis of this rank, counted from either end. */
export const axis = (draw: Draw, rank: number): number => int(draw, -rank, rank - 1);

export const permutation = (draw: Draw, rank: number): number[] =>
  draw(
    fc.shuffledSubarray,
    Array.from({ length: rank }, (_, i) => i),
    { minLength: rank, maxLength: rank },
  );

/** An operand whose elements do not matter: zeros. */
export const tensor = (dtype: Dtype, shape: readonly number[]): Operand => ({ dtype, shape });

/** A constant operand, its elements kept as the recorder keeps them: equal ones once. */
export function known(dtype: Dtype, shape: readonly number[], values: readonly number[]): Operand {
  const all = values.every((value) => value === values[0]) ? values.slice(0, 1) : values;
  return { dtype, shape, value: { dtype, shape, values: all } };
}

/** Ones, for what is divided by. */
export const ones = (dtype: Dtype, shape: readonly number[]): Operand => known(dtype, shape, [1]);

/** A constant vector of indices or sizes, of one of their two types. */
export const vector = (draw: Draw, values: readonly number[]): Operand =>
  known(pick(draw, ['int32', 'int64'] as const), [values.length], values);

export const scalar = (value: number, dtype: Dtype = 'int32'): Operand => known(dtype, [], [value]);

export const call = (op: string, inputs: readonly Operand[], attributes: Attributes = {}, outputs = 1): OpCall => ({
  op,
  inputs,
  attributes,
  outputs,
});

const INTERESTING = [-2, -1, 0, 1, 2, 3, 7];

/**
 * The same call with one thing changed that may or may not matter to the op: a size, an axis more
 * or less, another type, or an element of a constant.
 */
export function disturbed(draw: Draw, original: OpCall): OpCall {
  const at = int(draw, 0, original.inputs.length - 1);
  // Lists of inputs get their type from the attribute alone.
  const list = 'N' in original.attributes;
  const change = pick(draw, list ? [resize, grow, shrink, revalue] : [resize, grow, shrink, revalue, revalue, retype]);
  return {
    ...original,
    attributes: list ? original.attributes : untyped(original.attributes),
    inputs: original.inputs.map((input, i) => (i === at ? change(draw, input) : input)),
  };
}

const INFERRED: ReadonlySet<string> = new Set(['T', 'SrcT', 'Tidx', 'Tparams', 'Tindices', 'Tlabels']);

/**
 * Without the types of inputs: run alone, an op goes by its inputs and does not notice that an
 * attribute contradicts them.
 */
const untyped = (attributes: Attributes): Attributes =>
  Object.fromEntries(Object.entries(attributes).filter(([name]) => !INFERRED.has(name)));

type Change = (draw: Draw, operand: Operand) => Operand;

const resize: Change = (draw, operand) => {
  if (operand.shape.length === 0) return operand;
  const at = int(draw, 0, operand.shape.length - 1);
  return reshaped(
    operand,
    operand.shape.map((d, i) => (i === at ? dim(draw) : d)),
  );
};
const grow: Change = (draw, operand) => {
  const at = int(draw, 0, operand.shape.length);
  return reshaped(operand, [...operand.shape.slice(0, at), int(draw, 1, 2), ...operand.shape.slice(at)]);
};
const shrink: Change = (_, operand) => reshaped(operand, operand.shape.slice(1));
const retype: Change = (draw, operand) => {
  const dtype = pick(draw, ALL);
  return operand.value ? known(dtype, operand.shape, elementsOf(operand)) : tensor(dtype, operand.shape);
};
const revalue: Change = (draw, operand) => {
  const values = elementsOf(operand);
  if (values.length > 0) values[int(draw, 0, values.length - 1)] = pick(draw, INTERESTING);
  return operand.value ? known(operand.dtype, operand.shape, values) : operand;
};

const reshaped = (operand: Operand, shape: readonly number[]): Operand =>
  operand.value ? known(operand.dtype, shape, elementsOf({ ...operand, shape })) : tensor(operand.dtype, shape);

/** All elements of a constant; those that are missing for a shape it was given are taken from the start again. */
export const elementsOf = ({ shape, value }: Operand): number[] =>
  Array.from({ length: sizeOf(shape) }, (_, i) => value?.values[i % value.values.length] ?? 0);
