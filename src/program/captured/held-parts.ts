import type { GraphNode, TensorRef, TensorSpec } from './graph.js';

/** A tensor that a variable, or a part of it, is held in. */
export interface HeldPart extends TensorSpec {
  /** What every element of it is in a variable of zeros; 0 by default. */
  readonly zero?: number;
}

/** Something for each part by its name; what the variable's own elements are in is called `value`. */
export type Parts<T> = Readonly<Record<string, T> & { value: T }>;

/** Something of each part out of something else. */
export const mapParts = <A, B>(parts: Parts<A>, f: (part: A, name: string) => B): Parts<B> =>
  Object.fromEntries(Object.entries(parts).map(([name, part]) => [name, f(part, name)])) as Parts<B>;

/** Adds a node to the graph, and names its output. */
export type Put = (node: GraphNode) => TensorRef;
