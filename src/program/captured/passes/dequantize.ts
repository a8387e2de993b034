import {
  cast,
  type EntryGraph,
  type GraphNode,
  identity,
  multiply,
  node,
  ref,
  specOf,
  type TensorRef,
  type TensorSpec,
} from '../graph.js';
import { rootsOf, sortNodes } from '../walk.js';
import { refsOf, rewrite } from './rewrite.js';

/** Name by which a graph reads the scales of a variable that is held in int8. */
export const scalesOf = (variable: string): string => `${variable}#scales`;

/**
 * Reads the variables of these names, matrices, as int8, and puts the widening and the scales before each use, in a
 * separate cluster. Every use has its own copy, which waits for what else the use takes: made any earlier, or kept from
 * the forward product to the backward one, the wide copies of all layers would be in memory at once.
 */
export function dequantize(graph: EntryGraph, names: ReadonlySet<string>): EntryGraph {
  const nameOf = new Map(Object.entries(graph.reads).map(([name, read]) => [read, name]));
  const scales = new Map<GraphNode, GraphNode>();
  const added: Record<string, GraphNode> = {};
  let cluster = 1 + sortNodes(rootsOf(graph)).reduce((most, { cluster = 0 }) => Math.max(most, cluster), 0);
  const quantized = (name: string, spec: TensorSpec): GraphNode => {
    const matrix = read({ ...spec, dtype: 'int8' });
    const rowScales = read({ shape: [spec.shape[0]!, 1], dtype: 'float32' });
    scales.set(matrix, rowScales);
    added[scalesOf(name)] = rowScales;
    return matrix;
  };
  const widened = (from: TensorRef, after: readonly GraphNode[]): TensorRef => {
    const rowScales = scales.get(from.node);
    if (!rowScales) return from;
    const together = { cluster: cluster++ };
    const wide = { ...cast(ref(identity(from, after)), 'float32'), ...together };
    return ref({ ...multiply(ref(wide), ref(rowScales)), ...together });
  };
  const result = rewrite(graph, (now, before) => {
    const name = nameOf.get(before);
    if (name !== undefined && names.has(name)) return [ref(quantized(name, specOf(ref(before))))];
    if (!now.inputs.some(({ node }) => scales.has(node))) return refsOf(now);
    const others = now.inputs.map(({ node }) => node).filter((node) => node.op !== 'Const' && !scales.has(node));
    return refsOf({ ...now, inputs: now.inputs.map((from) => widened(from, others)) });
  });
  const outside = (refs: EntryGraph['outputs']) =>
    Object.fromEntries(Object.entries(refs).map(([name, from]) => [name, widened(from, [])]));
  return {
    inputs: result.inputs,
    reads: { ...result.reads, ...added },
    outputs: outside(result.outputs),
    updates: outside(result.updates),
  };
}

/** Reads a variable whose handle is put in later. */
const read = (spec: TensorSpec): GraphNode => node('ReadVariableOp', { dtype: { type: spec.dtype } }, [], [spec]);
