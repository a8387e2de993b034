import { sha256 } from '../../../core/hash.js';
import {
  attributeText,
  constantOf,
  type EntryGraph,
  type GraphFunction,
  type GraphNode,
  node,
  ref,
  specOf,
  type TensorRef,
} from '../graph.js';
import { needsOf, rootsOf, sortNodes, sortUnits } from '../walk.js';
import { refsOf, rewrite } from './rewrite.js';

/** A cluster while it is put together: what it takes from outside, and which of its tensors are wanted there. */
interface Cluster {
  readonly nodes: GraphNode[];
  readonly inputs: Map<string, TensorRef>;
  readonly outputs: Map<string, TensorRef>;
}

/**
 * Turns each cluster into a call of a compiled function; clusters that do the same call the same
 * function, which is then compiled once. Constants that a cluster takes become part of it, since
 * shapes and axes must be known to the compiler.
 */
export function outline(graph: EntryGraph): EntryGraph {
  const order = sortNodes(rootsOf(graph));
  const names = new Map(order.map((each, i) => [each, i]));
  const key = ({ node, output }: TensorRef) => `${names.get(node)}:${output}`;
  const clusters = gather(graph, order, key);
  const calls = new Map<number, { call: GraphNode; outputs: readonly string[] }>();
  const replaced = new Map<GraphNode, GraphNode>();
  const follow = (from: TensorRef): TensorRef => {
    const { cluster } = from.node;
    if (cluster === undefined) return { node: replaced.get(from.node)!, output: from.output };
    const { call, outputs } = calls.get(cluster)!;
    return ref(call, outputs.indexOf(key(from)));
  };
  const nodesOf = (unit: number | GraphNode) => (typeof unit === 'number' ? clusters.get(unit)!.nodes : [unit]);
  for (const unit of sortUnits(order, clusterOrNode, (unit) => nodesOf(unit).flatMap(needsOf))) {
    if (typeof unit === 'number') {
      const cluster = clusters.get(unit)!;
      calls.set(unit, { call: callOf(cluster, key, follow), outputs: [...cluster.outputs.keys()] });
    } else
      replaced.set(unit, {
        ...unit,
        inputs: unit.inputs.map(follow),
        controls: unit.controls.map((control) => follow(ref(control)).node),
      });
  }
  const all = (refs: EntryGraph['outputs']) =>
    Object.fromEntries(Object.entries(refs).map(([name, from]) => [name, follow(from)]));
  const kept = (nodes: EntryGraph['inputs']) =>
    Object.fromEntries(
      Object.entries(nodes).flatMap(([name, each]) => (replaced.has(each) ? [[name, replaced.get(each)!]] : [])),
    );
  return {
    inputs: kept(graph.inputs),
    reads: kept(graph.reads),
    outputs: all(graph.outputs),
    updates: all(graph.updates),
  };
}

const clusterOrNode = (node: GraphNode): number | GraphNode => node.cluster ?? node;

function gather(graph: EntryGraph, order: readonly GraphNode[], key: (ref: TensorRef) => string): Map<number, Cluster> {
  const clusters = new Map<number, Cluster>();
  const want = (from: TensorRef) => {
    if (from.node.cluster !== undefined) clusters.get(from.node.cluster)!.outputs.set(key(from), from);
  };
  for (const each of order) {
    const { cluster } = each;
    if (cluster !== undefined && !clusters.has(cluster))
      clusters.set(cluster, { nodes: [], inputs: new Map(), outputs: new Map() });
    const ownCluster = cluster === undefined ? undefined : clusters.get(cluster)!;
    ownCluster?.nodes.push(each);
    for (const input of each.inputs) {
      if (input.node.cluster === cluster && ownCluster) continue;
      want(input);
      if (ownCluster && !constantOf(input.node)) ownCluster.inputs.set(key(input), input);
    }
  }
  for (const root of [...Object.values(graph.outputs), ...Object.values(graph.updates)]) want(root);
  // What is only waited for is not handed out, unless it is all there is to the cluster.
  for (const control of order.flatMap(({ controls }) => controls))
    if (control.cluster !== undefined && clusters.get(control.cluster)!.outputs.size === 0) want(ref(control));
  return clusters;
}

function callOf(cluster: Cluster, key: (ref: TensorRef) => string, follow: (ref: TensorRef) => TensorRef): GraphNode {
  const body = functionOf(cluster, key);
  const types = (refs: readonly TensorRef[]) => ({ types: refs.map((each) => specOf(each).dtype) });
  const attributes = {
    Tin: types([...cluster.inputs.values()]),
    Tout: types(body.outputs),
    f: { function: body },
    _XlaMustCompile: { bool: true },
  };
  return node('PartitionedCall', attributes, [...cluster.inputs.values()].map(follow), body.outputs.map(specOf));
}

function functionOf({ nodes, inputs, outputs }: Cluster, key: (ref: TensorRef) => string): GraphFunction {
  const given = new Map([...inputs].map(([name, from]) => [name, argument(from)]));
  const inside = new Map<GraphNode, GraphNode>();
  const within = (from: TensorRef): TensorRef => {
    const input = given.get(key(from));
    return input ? ref(input) : { node: inside.get(from.node) ?? from.node, output: from.output };
  };
  const numbers = new Map([...given.values()].map((each, i) => [each, i]));
  const numbered = ({ node, output }: TensorRef): string =>
    node.op === 'Const' ? attributeText(node.attributes) : `${numbers.get(node)}:${output}`;
  const written = [...given.values()].map(({ attributes }) => attributeText(attributes));
  for (const before of nodes) {
    const { cluster: _, ...rest } = before;
    const made: GraphNode = { ...rest, inputs: before.inputs.map(within) };
    inside.set(before, made);
    numbers.set(made, numbers.size);
    written.push([made.op, attributeText(made.attributes), ...made.inputs.map(numbered)].join(' '));
  }
  const results = [...outputs.values()].map(within);
  written.push(...results.map(numbered));
  return { name: `f${sha256(written.join('\n')).slice(0, 16)}`, inputs: [...given.values()], outputs: results };
}

const argument = (from: TensorRef): GraphNode => {
  const spec = specOf(from);
  return node('Placeholder', { dtype: { type: spec.dtype }, shape: { shape: spec.shape } }, [], [spec]);
};

/** The graph without its marks for {@link outline}: every op is run by itself. */
export const withoutClusters = (graph: EntryGraph): EntryGraph =>
  rewrite(graph, ({ cluster: _, ...rest }) => refsOf(rest));
