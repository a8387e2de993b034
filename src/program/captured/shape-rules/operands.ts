import type { Dtype } from '../graph.js';
import type { OpCall, Operand } from './rule.js';

/** Types of real numbers with a fraction. */
export const FLOATS: readonly Dtype[] = ['float32', 'bfloat16'];
/** Types of numbers that can be negative. */
export const SIGNED: readonly Dtype[] = [...FLOATS, 'int32', 'int64', 'int8'];
/** Types of whole numbers. */
export const INTEGERS: readonly Dtype[] = ['int32', 'int64', 'int8', 'uint8'];
/** Types that can be added up. */
export const NUMBERS: readonly Dtype[] = [...SIGNED, 'uint8'];
/** Truth values only. */
export const BOOL: readonly Dtype[] = ['bool'];
/** Every type of element that a tensor in memory can have. */
export const ANY: readonly Dtype[] = [...NUMBERS, 'bool'];
/** Types of indices, sizes and axes. */
export const INDICES: readonly Dtype[] = ['int32', 'int64'];
/** The one type of the few sizes and axes that must not be wider. */
export const INT32: readonly Dtype[] = ['int32'];

/** Ends a rule because the op would refuse its inputs: throws a RangeError that says why and what came. */
export function refuse(call: OpCall, why: string): never {
  const came = call.inputs.map(({ dtype, shape }) => `${dtype} ${text(shape)}`);
  throw new RangeError(`${call.op}: ${why}; its inputs are ${came.length > 0 ? came.join(', ') : 'none'}`);
}

/** A shape for a message. */
export const text = (shape: readonly number[]): string => `[${shape.join(', ')}]`;

/** The op's inputs, of which there must be as many as names. */
export function take<Names extends readonly string[]>(
  call: OpCall,
  ...names: Names
): { readonly [K in keyof Names]: Operand } {
  if (call.inputs.length !== names.length) refuse(call, `expected ${names.length} inputs (${names.join(', ')})`);
  return call.inputs as unknown as { readonly [K in keyof Names]: Operand };
}

/**
 * The type that all these operands have. Refuses one outside `allowed`, and one that the op's type
 * attribute contradicts.
 */
export function typeOf(call: OpCall, operands: readonly Operand[], allowed: readonly Dtype[], attribute = 'T'): Dtype {
  const { dtype } = operands[0]!;
  if (operands.some((operand) => operand.dtype !== dtype)) refuse(call, 'types differ');
  if (!allowed.includes(dtype)) refuse(call, `expected ${allowed.join(', ')}, got ${dtype}`);
  const said = typeAttribute(call, attribute, dtype);
  if (said !== dtype) refuse(call, `its attribute ${attribute} says ${said}, but ${dtype} came`);
  return dtype;
}

/** A type attribute; `fallback` is TensorFlow's default. */
export function typeAttribute(call: OpCall, name: string, fallback?: Dtype): Dtype {
  const attribute = call.attributes[name];
  if (attribute && 'type' in attribute) return attribute.type;
  return missing(call, name, fallback);
}

/** An integer attribute; `fallback` is TensorFlow's default. */
export function intAttribute(call: OpCall, name: string, fallback?: number): number {
  const attribute = call.attributes[name];
  if (attribute && 'int' in attribute) return attribute.int;
  return missing(call, name, fallback);
}

/** A boolean attribute; false unless set. */
export function boolAttribute(call: OpCall, name: string): boolean {
  const attribute = call.attributes[name];
  if (attribute && 'bool' in attribute) return attribute.bool;
  return missing(call, name, false);
}

/** A string attribute; `fallback` is TensorFlow's default. */
export function stringAttribute(call: OpCall, name: string, fallback?: string): string {
  const attribute = call.attributes[name];
  if (attribute && 'string' in attribute) return attribute.string;
  return missing(call, name, fallback);
}

function missing<T>(call: OpCall, name: string, fallback: T | undefined): T {
  if (call.attributes[name] !== undefined) refuse(call, `the attribute ${name} is of the wrong kind`);
  if (fallback === undefined) refuse(call, `the attribute ${name} is missing`);
  return fallback;
}

/** Elements of an operand whose value decides the output's shape. Refuses one that is not constant. */
export function valuesOf(call: OpCall, operand: Operand, what: string): readonly number[] {
  const { value } = operand;
  if (!value) return refuse(call, `its ${what} must be constant when a graph is recorded`);
  const size = value.shape.reduce((n, d) => n * d, 1);
  return Array.from({ length: size }, (_, i) => value.values[value.values.length === 1 ? 0 : i]!);
}

/** A constant vector of whole numbers: axes, sizes, a shape. */
export function vectorOf(call: OpCall, operand: Operand, what: string, allowed = INDICES): readonly number[] {
  checkRank(call, operand, 1, what);
  checkIndices(call, operand, what, allowed);
  return valuesOf(call, operand, what);
}

/** A constant whole number. */
export function integerOf(call: OpCall, operand: Operand, what: string, allowed = INDICES): number {
  checkRank(call, operand, 0, what);
  checkIndices(call, operand, what, allowed);
  return valuesOf(call, operand, what)[0]!;
}

/** Refuses an operand that is no index, size or axis by type. */
export function checkIndices(call: OpCall, { dtype }: Operand, what: string, allowed = INDICES): void {
  if (!allowed.includes(dtype)) refuse(call, `its ${what} must be ${allowed.join(' or ')}, got ${dtype}`);
}

/** Refuses an operand of another rank. */
export function checkRank(call: OpCall, { shape }: Operand, rank: number, what: string): void {
  if (shape.length !== rank) refuse(call, `its ${what} must be of rank ${rank}, got ${text(shape)}`);
}

/** An axis of a tensor of this rank, counted from the front. */
export function axisOf(call: OpCall, axis: number, rank: number): number {
  if (axis < -rank || axis >= rank) refuse(call, `there is no axis ${axis} in rank ${rank}`);
  return axis < 0 ? axis + rank : axis;
}

/** Refuses sizes below zero. */
export function checkSizes(call: OpCall, sizes: readonly number[], what: string): void {
  if (sizes.some((size) => size < 0)) refuse(call, `its ${what} ${text(sizes)} must not be negative`);
}

/** True when two shapes are the same. */
export const sameShape = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((d, i) => d === b[i]);

/** Shape that several broadcast to, as NumPy and TensorFlow do: aligned at the last axis, 1 stretches. */
export function broadcast(call: OpCall, ...shapes: readonly (readonly number[])[]): number[] {
  const rank = Math.max(...shapes.map((shape) => shape.length));
  return Array.from({ length: rank }, (_, i) =>
    shapes.reduce((size, shape) => {
      const d = shape[i - rank + shape.length] ?? 1;
      if (size !== 1 && d !== 1 && size !== d) refuse(call, `${shapes.map(text).join(' and ')} do not broadcast`);
      return d === 1 ? size : d;
    }, 1),
  );
}
