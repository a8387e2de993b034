import { CACHED_ATTENTION, FLASH_BACKWARD, FLASH_FORWARD, RMS_NORM, SWIGLU } from '../../backend/raw/composite.js';
import { LOW } from '../../backend/raw/low.js';
import type { Precision } from '../compile-options.js';
import { type EntryGraph, type GraphNode, node, ref, specOf, type TensorRef } from './graph.js';
import { nativeAttention } from './native-attention.js';
import type { Lowering } from './passes/lower.js';
import { refsOf } from './passes/rewrite.js';
import { rootsOf, sortNodes } from './walk.js';

/**
 * Rows up to which a product is a matter of reading the other factor from memory, and the library's
 * kernels for large matrices take longer than ours.
 */
const FEW_ROWS = 32;

const T = { type: 'float32' } as const;

/**
 * The kernels of ours (`backend/native/kernels`) in place of what they compute faster than the
 * library's ops, in this graph. `precision` is that of products.
 */
export function nativeKernels(graph: EntryGraph, precision: Precision): Lowering {
  const joint = jointKernels(graph);
  return (now, before) => joint(now, before) ?? KERNELS[now.op]?.(now, precision);
}

/** Attention of one new token per row over a cache. */
const cachedAttention = ({ attributes: { window }, inputs, outputs }: GraphNode) => {
  const given = inputs.slice(0, 8);
  const [q, , , , , cos] = given.map((input) => specOf(input).shape);
  const size = outputs[1]!.shape[1]!;
  if (q![0] !== cos![0] || cos![2] !== 1 || size % 2 !== 0) return undefined;
  return refsOf(node('PhasetuneCachedAttention', { T, window: window! }, given, outputs));
};

/** Cross-entropy and its gradient, row by row, which nothing as large as the logits is kept for. */
const crossEntropy = ({ inputs, outputs }: GraphNode) => refsOf(node('PhasetuneCrossEntropy', { T }, inputs, outputs));

/** Kernels that take the place of one node. */
const KERNELS: Readonly<Record<string, (now: GraphNode, precision: Precision) => readonly TensorRef[] | undefined>> = {
  SparseSoftmaxCrossEntropyWithLogits: crossEntropy,
  [CACHED_ATTENTION]: cachedAttention,
  [FLASH_FORWARD]: nativeAttention,
  [FLASH_BACKWARD]: nativeAttention,
};

/** A node that does the work of several others, made when the first of them is met. */
interface Joint {
  /** Makes it, given the first of the others with its inputs as they are now. */
  readonly make: (first: GraphNode) => GraphNode;
  made?: GraphNode;
}

/** For each node that a joint one takes the place of, that one, and which of its outputs it is. */
type Parts = Map<GraphNode, { readonly joint: Joint; readonly output: number }>;

/** Kernels that take the place of several nodes. */
function jointKernels(graph: EntryGraph): Lowering {
  const order = sortNodes(rootsOf(graph));
  const uses = usesOf(graph, order);
  const parts: Parts = new Map();
  for (const each of order) if (each.op === RMS_NORM) joinNorm(each, uses, parts);
  const gated = new Set(order.flatMap((each) => (each.op === SWIGLU ? joinGated(each, uses, parts) : [])));
  joinProducts(
    order.filter((each) => !gated.has(each) && isRowProduct(each)),
    parts,
  );
  return (now, before) => {
    const part = parts.get(before);
    if (!part) return undefined;
    const { joint, output } = part;
    joint.made ??= joint.make(now);
    return now.outputs.map(() => ref(joint.made!, output));
  };
}

/** What takes an output of a node; no node where it is a result of the entry. */
interface Use {
  readonly output: number;
  readonly by?: GraphNode;
}

function usesOf(graph: EntryGraph, order: readonly GraphNode[]): Map<GraphNode, Use[]> {
  const uses = new Map(order.map((each) => [each, [] as Use[]]));
  for (const by of order) for (const { node, output } of by.inputs) uses.get(node)!.push({ output, by });
  for (const { node, output } of [...Object.values(graph.outputs), ...Object.values(graph.updates)])
    uses.get(node)!.push({ output });
  return uses;
}

/** The addition to the residual stream and the norm of the sum, of which only products take anything. */
function joinNorm(norm: GraphNode, uses: ReadonlyMap<GraphNode, readonly Use[]>, parts: Parts): void {
  const [{ node: sum }, weight] = norm.inputs as [TensorRef, TensorRef];
  const [x, y] = sum.inputs.map((input) => specOf(input).shape);
  if (sum.op !== 'AddV2' || parts.has(sum) || weight.node.op !== 'ReadVariableOp') return;
  if (!isFew(x!) || x!.length !== y!.length || x!.some((n, i) => n !== y![i])) return;
  if (!uses.get(norm)!.every(({ by, output }) => output === 0 && by?.op === 'MatMul')) return;
  const { epsilon } = norm.attributes;
  const outputs = [sum.outputs[0]!, norm.outputs[0]!];
  const joint: Joint = {
    make: ({ inputs }) => node('PhasetuneAddRmsNorm', { T, epsilon: epsilon! }, [...inputs, weight], outputs),
  };
  parts.set(sum, { joint, output: 0 }).set(norm, { joint, output: 1 });
}

/** Two products of the same rows that SwiGLU alone takes; they are returned. */
function joinGated(swiglu: GraphNode, uses: ReadonlyMap<GraphNode, readonly Use[]>, parts: Parts): GraphNode[] {
  const products = swiglu.inputs.map(unmarked);
  const [gate, up] = products as [GraphNode, GraphNode];
  const isItsOwn = ({ node }: TensorRef): boolean =>
    uses.get(node)!.length === 1 && (node.op !== LOW || isItsOwn(node.inputs[0]!));
  if (!products.every(isRowProduct) || !swiglu.inputs.every(isItsOwn) || !isSame(gate.inputs[0]!, up.inputs[0]!))
    return [];
  const make = ({ inputs, outputs }: GraphNode) => {
    const [gate, up] = inputs.map(unmarked) as [GraphNode, GraphNode];
    return node('PhasetuneGatedProducts', { T }, [...gate.inputs, up.inputs[1]!], outputs);
  };
  parts.set(swiglu, { joint: { make }, output: 0 });
  return products;
}

/** Products of the same rows with several variables are one node, others one each. */
function joinProducts(products: readonly GraphNode[], parts: Parts): void {
  const groups: GraphNode[][] = [];
  const isRead = ({ inputs }: GraphNode) => inputs[1]!.node.op === 'ReadVariableOp';
  for (const product of products) {
    const group = groups.find(
      ([first]) => isRead(first!) && isRead(product) && isSame(first!.inputs[0]!, product.inputs[0]!),
    );
    if (group) group.push(product);
    else groups.push([product]);
  }
  for (const group of groups) {
    const [, ...others] = group;
    const outputs = group.map((each) => each.outputs[0]!);
    const joint: Joint = {
      make: ({ inputs }) => {
        const given = [...inputs, ...others.map((each) => each.inputs[1]!)];
        return node('PhasetuneRowProducts', { T, N: { int: group.length } }, given, outputs);
      },
    };
    group.forEach((each, output) => {
      parts.set(each, { joint, output });
    });
  }
}

/** What a mark for bfloat16 is on, or the node itself. */
const unmarked = ({ node }: TensorRef): GraphNode => (node.op === LOW ? node.inputs[0]!.node : node);

const isSame = (a: TensorRef, b: TensorRef): boolean => a.node === b.node && a.output === b.output;

const isFew = (shape: readonly number[]): boolean => shape.length === 2 && shape[0]! <= FEW_ROWS;

/** True for x W^T of few rows. */
function isRowProduct({ op, attributes, inputs, outputs }: GraphNode): boolean {
  const isSet = (name: string) => {
    const value = attributes[name];
    return value !== undefined && 'bool' in value && value.bool;
  };
  if (op !== 'MatMul' || isSet('transpose_a') || !isSet('transpose_b')) return false;
  return isFew(specOf(inputs[0]!).shape) && outputs[0]!.dtype === 'float32';
}
