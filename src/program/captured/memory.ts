import { sizeOf } from '../../core/host-tensor.js';
import { BYTES, bytesOf, type GraphFunction, type GraphNode, type Ref, specOf } from './graph.js';
import { sorted } from './passes/rewrite.js';

/** Ops whose result is their first input's memory, or a variable's. */
const SHARING: ReadonlySet<string> = new Set(
  'Reshape Identity ExpandDims Squeeze Bitcast InplaceUpdate ReadVariableOp VarHandleOp'.split(' '),
);

/** Ops that write their result over an input of its size that nothing else needs. */
const IN_PLACE: ReadonlySet<string> = new Set(
  'AddV2 Sub Mul Div RealDiv Maximum Minimum Neg Abs Square Sqrt Rsqrt Exp Log Sin Cos Sigmoid Softmax AddN Select SparseSoftmaxCrossEntropyWithLogits'.split(
    ' ',
  ),
);

/** Ops that take no memory of their own: what is fed or constant is small. */
const GIVEN: ReadonlySet<string> = new Set(['Const', 'Placeholder', 'VarHandleOp', 'ReadVariableOp']);

/** Ops of which a compiled function keeps one tensor of the size of their input, in float32, while it runs. */
const WORKING: ReadonlySet<string> = new Set(
  'Sum Mean Max Softmax Sigmoid SparseSoftmaxCrossEntropyWithLogits'.split(' '),
);

/** Memory of one or several tensors. */
interface Buffer {
  readonly bytes: number;
  /** Inputs of nodes that it will still be. */
  uses: number;
}

/**
 * Most bytes of tensors that are alive at one time while a session computes these nodes; variables are not counted. The session
 * is taken to run what is ready in the order in which it became so, to free what nothing needs any more at once, to write element
 * by element over inputs, and to let a variable take over its new value's memory in exchange for the old.
 */
export function peakBytes(targets: Iterable<GraphNode>): number {
  const order = sorted(targets);
  const users = usersOf(order);
  const uses = usesOf(order);
  const waiting = new Map(order.map((node) => [node, needsOf(node).size]));
  const buffers = new Map<GraphNode, readonly Buffer[]>();
  const bufferOf = ({ node, output }: Ref): Buffer => buffers.get(node)![output]!;
  const ready = order.filter((node) => waiting.get(node) === 0);
  const work = workBytes();
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

/** Where a node's results lie. */
const outputsOf = ({ op, outputs }: GraphNode, inputs: readonly Buffer[]): readonly Buffer[] =>
  outputs.map((spec) => {
    if (GIVEN.has(op)) return { bytes: 0, uses: 0 };
    if (SHARING.has(op)) return inputs[0]!;
    const bytes = bytesOf(spec);
    const over = IN_PLACE.has(op) ? inputs.find((input) => input.uses === 1 && input.bytes === bytes) : undefined;
    return over ?? { bytes, uses: 0 };
  });

const needsOf = ({ inputs, controls }: GraphNode): ReadonlySet<GraphNode> =>
  new Set([...inputs.map(({ node }) => node), ...controls]);

function usersOf(order: readonly GraphNode[]): Map<GraphNode, GraphNode[]> {
  const users = new Map(order.map((node) => [node, [] as GraphNode[]]));
  for (const node of order) for (const need of needsOf(node)) users.get(need)!.push(node);
  return users;
}

/** How many inputs each output of a node is. */
function usesOf(order: readonly GraphNode[]): Map<GraphNode, number[]> {
  const uses = new Map(order.map((node) => [node, node.outputs.map(() => 0)]));
  for (const { inputs } of order)
    for (const { node, output } of inputs) uses.get(node)![output] = uses.get(node)![output]! + 1;
  return uses;
}

/** Bytes that a node needs while it runs: those of a call are estimated from the ops of its function. */
function workBytes(): (node: GraphNode) => number {
  const known = new Map<string, number>();
  const workOf = ({ outputs }: GraphFunction): number =>
    sorted(outputs.map(({ node }) => node))
      .filter(({ op }) => WORKING.has(op))
      .reduce((most, { inputs }) => Math.max(most, BYTES.float32 * sizeOf(specOf(inputs[0]!).shape)), 0);
  return (node) => {
    const body = calledBy(node);
    if (!body) return 0;
    const bytes = known.get(body.name) ?? workOf(body);
    known.set(body.name, bytes);
    return bytes;
  };
}

/** The function that a node calls, if it does. */
export function calledBy({ attributes: { f } }: GraphNode): GraphFunction | undefined {
  return f && 'function' in f ? f.function : undefined;
}
