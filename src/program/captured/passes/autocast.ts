import { LOW } from '../../../backend/raw/low.js';
import {
  type Attributes,
  cast as castTo,
  constant,
  constantOf,
  type Dtype,
  type EntryGraph,
  type GraphNode,
  ref,
  specOf,
  type TensorRef,
} from '../graph.js';
import { givesFloat32, hasTrait, takesFloat32 } from '../op-traits.js';
import { refsOf, rewrite } from './rewrite.js';

/**
 * True for a variable that is held in bfloat16: a frozen matrix, a cache. Vectors, such as norms,
 * are few and stay as they are.
 */
export const isHeldLow = ({ role, dtype, shape }: { role: string; dtype: string; shape: readonly number[] }): boolean =>
  (role === 'frozen' || role === 'cache') && dtype === 'float32' && shape.length > 1;

/**
 * Products in bfloat16, everything else in float32 but what only passes bfloat16 on. `held` names
 * the variables that are held in bfloat16. What a cluster takes or gives in bfloat16 is cast within
 * it. Outputs, and updates of other variables, stay float32.
 */
export function autocast(graph: EntryGraph, held: ReadonlySet<string>): EntryGraph {
  const lowReads = new Set(Object.entries(graph.reads).flatMap(([name, read]) => (held.has(name) ? [read] : [])));
  const cast = caster();
  const result = rewrite(graph, (now, before) => {
    if (lowReads.has(before)) return refsOf(retyped(now, now.inputs, 'bfloat16'));
    if (now.op === LOW) return [cast(now.inputs[0]!, 'bfloat16', now.cluster)];
    if (hasTrait(now.op, 'ownTypes')) return refsOf(withTypes(now, cast));
    if (isLow(now)) {
      const inputs = now.inputs.map((input, i) =>
        cast(input, takesFloat32(now.op, i) ? 'float32' : 'bfloat16', input.node.cluster),
      );
      return refsOf(retyped(now, inputs, 'bfloat16'));
    }
    return refsOf({ ...now, inputs: now.inputs.map((input) => cast(input, 'float32', now.cluster)) });
  });
  const all = (refs: EntryGraph['outputs'], typeOf: (name: string) => Dtype) =>
    Object.fromEntries(Object.entries(refs).map(([name, r]) => [name, cast(r, typeOf(name))]));
  return {
    ...result,
    outputs: all(result.outputs, () => 'float32'),
    updates: all(result.updates, (name) => (held.has(name) ? 'bfloat16' : 'float32')),
  };
}

/** The node with its inputs in the types that it names. */
function withTypes(now: GraphNode, cast: ReturnType<typeof caster>): GraphNode {
  const { operand_dtypes } = now.attributes;
  const types = operand_dtypes && 'types' in operand_dtypes ? operand_dtypes.types : [];
  return { ...now, inputs: now.inputs.map((input, i) => cast(input, types[i]!, input.node.cluster)) };
}

/** The graph without its marks for {@link autocast}: what float32 makes of them. */
export const withoutMarks = (graph: EntryGraph): EntryGraph =>
  rewrite(graph, (now) => (now.op === LOW ? [now.inputs[0]!] : refsOf(now)));

/** Casts floating-point tensors, each at most once in a cluster. */
function caster(): (from: TensorRef, to: Dtype, cluster?: number) => TensorRef {
  const casts = new Map<GraphNode, Map<string, TensorRef>>();
  return (from, to, cluster) => {
    const { dtype } = specOf(from);
    if (dtype === to || (dtype !== 'float32' && dtype !== 'bfloat16')) return from;
    const value = constantOf(from.node);
    if (value) return ref(constant({ ...value, dtype: to }));
    const known = casts.get(from.node) ?? new Map<string, TensorRef>();
    casts.set(from.node, known);
    const key = `${from.output} ${cluster}`;
    const made = known.get(key) ?? ref({ ...castTo(from, to), ...(cluster === undefined ? {} : { cluster }) });
    known.set(key, made);
    return made;
  };
}

function isLow({ op, inputs, outputs, cluster }: GraphNode): boolean {
  if (outputs[0]?.dtype !== 'float32') return false;
  if (hasTrait(op, 'product')) return true;
  if (hasTrait(op, 'typeOfFirst')) return specOf(inputs[0]!).dtype === 'bfloat16';
  if (!hasTrait(op, 'keepsType') || cluster !== undefined) return false;
  const types = inputs.map((input) => (input.node.op === 'Const' ? 'constant' : specOf(input).dtype));
  return types.includes('bfloat16') && !types.includes('float32');
}

/** The node with every float32 in its attributes and outputs turned into `dtype`. */
function retyped(now: GraphNode, inputs: readonly TensorRef[], dtype: Dtype): GraphNode {
  const attributes: Attributes = Object.fromEntries(
    Object.entries(now.attributes).map(([name, value]) => [
      name,
      'type' in value && value.type === 'float32' ? { type: dtype } : value,
    ]),
  );
  const outputs = now.outputs.map((spec, i) =>
    spec.dtype === 'float32' && !givesFloat32(now.op, i) ? { ...spec, dtype } : spec,
  );
  return { ...now, attributes, inputs, outputs };
}
