import {
  type Attributes,
  constant,
  constantOf,
  type Dtype,
  type EntryGraph,
  type GraphNode,
  node,
  type Ref,
  ref,
  specOf,
} from '../graph.js';
import { refsOf, rewrite } from './rewrite.js';

/** Ops that always compute in bfloat16 (they add up in float32 inside). */
const PRODUCTS: ReadonlySet<string> = new Set(['MatMul', 'BatchMatMul', 'BatchMatMulV2']);

/** Ops that compute in bfloat16 when all they take is bfloat16 already: they move elements, or round once. */
const FOLLOWERS: ReadonlySet<string> = new Set([
  'AddV2',
  'Add',
  'Sub',
  'Mul',
  'Neg',
  'Reshape',
  'Transpose',
  'ConcatV2',
  'Concat',
  'Slice',
  'Split',
  'SplitV',
  'StridedSlice',
  'Pack',
  'Unpack',
  'Sigmoid',
  'Identity',
  'Tile',
  'ExpandDims',
  'Squeeze',
  'GatherV2',
  'BroadcastTo',
]);

/** True for a variable that is held in bfloat16: a frozen matrix. Vectors, such as norms, are few and stay as they are. */
export const isHeldLow = ({ role, dtype, shape }: { role: string; dtype: string; shape: readonly number[] }): boolean =>
  role === 'frozen' && dtype === 'float32' && shape.length > 1;

/**
 * Products in bfloat16, everything else in float32 but what only passes bfloat16 on. `low` names the variables that are held
 * in bfloat16. Updates and outputs stay float32.
 */
export function autocast(graph: EntryGraph, low: ReadonlySet<string>): EntryGraph {
  const lowReads = new Set(Object.entries(graph.reads).flatMap(([name, read]) => (low.has(name) ? [read] : [])));
  const casts = new Map<GraphNode, Map<number, Ref>>();
  const cast = (from: Ref, to: Dtype): Ref => {
    const { shape, dtype } = specOf(from);
    if (dtype === to || (dtype !== 'float32' && dtype !== 'bfloat16')) return from;
    // Back to what it was before it was cast: a rounding that was already done needs no second node.
    const known = casts.get(from.node) ?? new Map<number, Ref>();
    casts.set(from.node, known);
    const value = constantOf(from.node);
    const made =
      known.get(from.output) ?? ref(value ? constant({ ...value, dtype: to }) : castNode(from, shape, dtype, to));
    known.set(from.output, made);
    return made;
  };
  const result = rewrite(graph, (now, before) => {
    if (lowReads.has(before)) return refsOf(retyped(now, now.inputs, 'bfloat16'));
    if (isLow(now))
      return refsOf(
        retyped(
          now,
          now.inputs.map((input) => cast(input, 'bfloat16')),
          'bfloat16',
        ),
      );
    return refsOf({ ...now, inputs: now.inputs.map((input) => cast(input, 'float32')) });
  });
  const widen = (refs: EntryGraph['outputs']) =>
    Object.fromEntries(Object.entries(refs).map(([name, r]) => [name, cast(r, 'float32')]));
  return { ...result, outputs: widen(result.outputs), updates: widen(result.updates) };
}

const castNode = (from: Ref, shape: readonly number[], dtype: Dtype, to: Dtype): GraphNode =>
  node(
    'Cast',
    { SrcT: { type: dtype }, DstT: { type: to }, Truncate: { bool: false } },
    [from],
    [{ shape, dtype: to }],
  );

function isLow({ op, inputs, outputs }: GraphNode): boolean {
  if (outputs[0]?.dtype !== 'float32') return false;
  if (PRODUCTS.has(op)) return true;
  if (!FOLLOWERS.has(op)) return false;
  const types = inputs.map((input) => (input.node.op === 'Const' ? 'constant' : specOf(input).dtype));
  return types.includes('bfloat16') && !types.includes('float32');
}

/** The node with every float32 in its attributes and outputs turned into `dtype`. */
function retyped(now: GraphNode, inputs: readonly Ref[], dtype: Dtype): GraphNode {
  const attributes: Attributes = Object.fromEntries(
    Object.entries(now.attributes).map(([name, value]) => [
      name,
      'type' in value && value.type === 'float32' ? { type: dtype } : value,
    ]),
  );
  const outputs = now.outputs.map((spec) => (spec.dtype === 'float32' ? { ...spec, dtype } : spec));
  return { ...now, attributes, inputs, outputs };
}
