import type { EntryGraph, GraphNode, TensorRef } from '../graph.js';
import { rootsOf, sortNodes } from '../walk.js';

/**
 * What a node becomes, given the node with its inputs and controls already rewritten (the very same
 * node if none of them changed): one reference for each of its outputs.
 */
export type Visit = (node: GraphNode, before: GraphNode) => readonly TensorRef[];

/**
 * A new graph in which every node that is needed was replaced by what `visit` makes of it. Nodes that nothing needs are
 * gone, inputs and reads of variables that nothing needs among them.
 */
export function rewrite(graph: EntryGraph, visit: Visit): EntryGraph {
  const replaced = new Map<GraphNode, readonly TensorRef[]>();
  const follow = (ref: TensorRef): TensorRef => replaced.get(ref.node)![ref.output]!;
  for (const before of sortNodes(rootsOf(graph))) {
    const inputs = before.inputs.map(follow);
    const controls = before.controls.map((control) => replaced.get(control)![0]!.node);
    const same =
      inputs.every(({ node, output }, i) => node === before.inputs[i]!.node && output === before.inputs[i]!.output) &&
      controls.every((control, i) => control === before.controls[i]);
    replaced.set(before, visit(same ? before : { ...before, inputs, controls }, before));
  }
  const nodes = (all: Readonly<Record<string, GraphNode>>) => entries(all, (node) => replaced.get(node)?.[0]?.node);
  return {
    inputs: nodes(graph.inputs),
    reads: nodes(graph.reads),
    outputs: entries(graph.outputs, follow),
    updates: entries(graph.updates, follow),
  };
}

function entries<A, B>(object: Readonly<Record<string, A>>, f: (value: A) => B | undefined): Record<string, B> {
  const result: Record<string, B> = {};
  for (const [key, value] of Object.entries(object)) {
    const made = f(value);
    if (made !== undefined) result[key] = made;
  }
  return result;
}

/** References to all outputs of a node: what {@link Visit} returns for a node that stays. */
export const refsOf = (node: GraphNode): TensorRef[] => node.outputs.map((_, output) => ({ node, output }));
