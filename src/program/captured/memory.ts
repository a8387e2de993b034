import { sizeOf } from '../../core/host-tensor.js';
import { BYTES, bytesOf, type GraphFunction, type GraphNode, specOf, type TensorRef } from './graph.js';
import { nativeAttentionBytes } from './native-attention.js';
import { hasTrait } from './op-traits.js';
import { needsOf, sortNodes, usersOf } from './walk.js';

/** Memory of one or several tensors. */
interface Buffer {
  readonly bytes: number;
  /** Inputs of nodes that it will still be. */
  uses: number;
}

/**
 * Most bytes of tensors that are alive at one time while a session computes these nodes; variables
 * are not counted. The session is taken to run what is ready in the order in which it became so, to
 * free what nothing needs any more at once, to write element by element over inputs, and to let a
 * variable take over its new value's memory in exchange for the old. What a compiled part stores
 * between its ops depends on whether XLA compiled it for a processor or for a card.
 */
export function peakBytes(targets: Iterable<GraphNode>, device: 'cpu' | 'card' = 'cpu'): number {
  const order = sortNodes(targets);
  const users = usersOf(order);
  const uses = usesOf(order);
  const waiting = new Map(order.map((node) => [node, new Set(needsOf(node)).size]));
  const buffers = new Map<GraphNode, readonly Buffer[]>();
  const bufferOf = ({ node, output }: TensorRef): Buffer => buffers.get(node)![output]!;
  const ready = order.filter((node) => waiting.get(node) === 0);
  const work = workBytes(device);
  let live = 0;
  let peak = 0;
  for (const node of ready) {
    const inputs = node.inputs.map(bufferOf);
    const outputs = outputsOf(node, inputs);
    for (const buffer of outputs) if (!inputs.includes(buffer)) live += buffer.bytes;
    peak = Math.max(peak, live + work(node));
    outputs.forEach((buffer, i) => {
      buffer.uses += uses.get(node)![i]!;
    });
    for (const buffer of inputs) buffer.uses -= 1;
    for (const buffer of new Set([...inputs, ...outputs])) if (buffer.uses === 0) live -= buffer.bytes;
    buffers.set(node, outputs);
    for (const user of users.get(node) ?? []) {
      const left = waiting.get(user)! - 1;
      waiting.set(user, left);
      if (left === 0) ready.push(user);
    }
  }
  return peak;
}

/** Memory of a node's results. */
const outputsOf = ({ op, outputs }: GraphNode, inputs: readonly Buffer[]): readonly Buffer[] =>
  outputs.map((spec) => {
    if (hasTrait(op, 'unbilled')) return { bytes: 0, uses: 0 };
    if (hasTrait(op, 'alias')) return inputs[0]!;
    const bytes = bytesOf(spec);
    const over = hasTrait(op, 'overwrites')
      ? inputs.find((input) => input.uses === 1 && input.bytes === bytes)
      : undefined;
    return over ?? { bytes, uses: 0 };
  });

/** For each output of a node, the number of inputs that take it. */
function usesOf(order: readonly GraphNode[]): Map<GraphNode, number[]> {
  const uses = new Map(order.map((node) => [node, node.outputs.map(() => 0)]));
  for (const { inputs } of order)
    for (const { node, output } of inputs) uses.get(node)![output] = uses.get(node)![output]! + 1;
  return uses;
}

/** Bytes that a node needs while it runs: those of a compiled call are estimated from the ops of its function. */
function workBytes(device: 'cpu' | 'card'): (node: GraphNode) => number {
  const known = new Map<string, number>();
  const workOf = ({ outputs }: GraphFunction): number =>
    sortNodes(outputs.map(({ node }) => node))
      .filter(({ op }) => hasTrait(op, 'workspace') || (device === 'cpu' && hasTrait(op, 'loopWorkspace')))
      .reduce((most, { inputs }) => Math.max(most, BYTES.float32 * sizeOf(specOf(inputs[0]!).shape)), 0);
  return (node) => {
    const body = calledBy(node);
    if (!body) return nativeAttentionBytes(node);
    const bytes = known.get(body.name) ?? workOf(body);
    known.set(body.name, bytes);
    return bytes;
  };
}

/** The function that a node calls, if it does. */
export function calledBy({ attributes: { f } }: GraphNode): GraphFunction | undefined {
  return f && 'function' in f ? f.function : undefined;
}
