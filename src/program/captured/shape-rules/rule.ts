import type { Attributes, Constant, TensorSpec } from '../graph.js';

/** An input of an op as a shape rule sees it: its elements too, where it is a constant. */
export interface Operand extends TensorSpec {
  readonly value?: Constant;
}

/** One call of a TensorFlow op. */
export interface OpCall {
  readonly op: string;
  readonly attributes: Attributes;
  readonly inputs: readonly Operand[];
  /** Number of outputs that the caller asked for. */
  readonly outputs: number;
}

/**
 * Shapes and types of an op's outputs from those of its inputs. Throws a RangeError on inputs that
 * the op would refuse.
 */
export type ShapeRule = (call: OpCall) => readonly TensorSpec[];
