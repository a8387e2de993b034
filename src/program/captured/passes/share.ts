import { attributeText, type EntryGraph, type GraphNode } from '../graph.js';
import { hasTrait } from '../op-traits.js';
import { refsOf, rewrite } from './rewrite.js';

/**
 * Joins nodes that compute the same from the same: equal op, attributes, inputs and controls, in the same cluster.
 * Constants are among them, so that a shape or a scale that is written at every layer exists once. Nodes that nothing
 * needs are dropped on the way.
 */
export function shareCommon(graph: EntryGraph): EntryGraph {
  const numbers = new Map<GraphNode, number>();
  const seen = new Map<string, GraphNode>();
  const numberOf = (node: GraphNode): number => {
    const known = numbers.get(node);
    if (known !== undefined) return known;
    numbers.set(node, numbers.size);
    return numbers.size - 1;
  };
  return rewrite(graph, (node) => {
    if (hasTrait(node.op, 'stateful')) return refsOf(node);
    const inputs = node.inputs.map((input) => `${numberOf(input.node)}:${input.output}`);
    const controls = node.controls.map((control) => `^${numberOf(control)}`);
    const key = [node.op, node.cluster ?? '', attributeText(node.attributes), ...inputs, ...controls.sort()].join(' ');
    const first = seen.get(key);
    if (first) return refsOf(first);
    seen.set(key, node);
    return refsOf(node);
  });
}
