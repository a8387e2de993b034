import { DECOMPOSITION, type EntryGraph, type GraphFunction, type GraphNode, type TensorRef } from '../graph.js';
import { sortNodes } from '../walk.js';
import { refsOf, rewrite } from './rewrite.js';

/**
 * What a device has instead of a node, a composite for instance: a reference for each of its
 * outputs; undefined where it has nothing. It is given the node with its inputs as they are now, and
 * as it was.
 */
export type Lowering = (node: GraphNode, before: GraphNode) => readonly TensorRef[] | undefined;

/** Replaces each node that the device has something for, and other composites by the ops that they are made of. */
export const lower = (graph: EntryGraph, lowering: Lowering): EntryGraph =>
  rewrite(graph, (now, before) => {
    const body = decompositionOf(now);
    return lowering(now, before) ?? (body ? inlined(body, now) : refsOf(now));
  });

/** What a composite is made of; undefined for any other node. */
export function decompositionOf({ attributes }: GraphNode): GraphFunction | undefined {
  const body = attributes[DECOMPOSITION];
  return body && 'function' in body ? body.function : undefined;
}

/**
 * The results of a function, with the inputs of a node in place of its placeholders. What waits for
 * an input waits for what makes it.
 */
function inlined({ inputs, outputs }: GraphFunction, { inputs: given }: GraphNode): TensorRef[] {
  const replaced = new Map<GraphNode, readonly TensorRef[]>(inputs.map((place, i) => [place, [given[i]!]]));
  const follow = ({ node, output }: TensorRef): TensorRef => replaced.get(node)![output]!;
  for (const each of sortNodes(outputs.map(({ node }) => node))) {
    if (replaced.has(each)) continue;
    const controls = each.controls.map((control) => replaced.get(control)![0]!.node);
    replaced.set(each, refsOf({ ...each, inputs: each.inputs.map(follow), controls }));
  }
  return outputs.map(follow);
}
