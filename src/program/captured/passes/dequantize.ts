import { type EntryGraph, type GraphNode, identity, node, ref, type TensorRef, type TensorSpec } from '../graph.js';
import type { HeldForm } from '../held-forms.js';
import { mapParts, type Parts } from '../held-parts.js';
import { rootsOf, sortNodes } from '../walk.js';
import { refsOf, rewrite } from './rewrite.js';

/** Name by which a graph reads a part of a variable; the part `value` goes by the name of the variable. */
export const partOf = (variable: string, part: string): string => (part === 'value' ? variable : `${variable}#${part}`);

/** A variable that is read in parts. */
interface Quantized {
  readonly form: HeldForm;
  readonly shape: readonly number[];
  readonly parts: Parts<GraphNode>;
}

/**
 * Reads the variables of these forms that are held in fewer bits than products take part by part,
 * and puts the widening before each use, in a separate cluster where it is compiled. Every use has
 * its own copy, which waits for what else the use takes: made any earlier, or kept from the forward
 * product to the backward one, the wide copies of all layers would be in memory at once.
 */
export function dequantize(graph: EntryGraph, forms: ReadonlyMap<string, HeldForm>): EntryGraph {
  const nameOf = new Map(Object.entries(graph.reads).map(([name, read]) => [read, name]));
  const quantized = new Map<GraphNode, Quantized>();
  const added: Record<string, GraphNode> = {};
  let cluster = 1 + sortNodes(rootsOf(graph)).reduce((most, { cluster = 0 }) => Math.max(most, cluster), 0);
  const inParts = (name: string, form: HeldForm, { shape }: TensorSpec): GraphNode => {
    const parts = mapParts(form.parts(shape), read);
    quantized.set(parts.value, { form, shape, parts });
    for (const [part, node] of Object.entries(parts)) added[partOf(name, part)] = node;
    return parts.value;
  };
  const widened = (from: TensorRef, after: readonly GraphNode[]): TensorRef => {
    const known = quantized.get(from.node);
    if (!known) return from;
    const { form, shape, parts } = known;
    const together = form.compiled ? { cluster: cluster++ } : {};
    const late = mapParts(parts, (part) => ref(isSmall(part) ? part : identity(ref(part), after)));
    return form.widen(late, shape, (made) => ref({ ...made, ...together }));
  };
  const result = rewrite(graph, (now, before) => {
    const name = nameOf.get(before);
    const form = name === undefined ? undefined : forms.get(name);
    if (form?.bits) return [ref(inParts(name!, form, before.outputs[0]!))];
    if (!now.inputs.some(({ node }) => quantized.has(node))) return refsOf(now);
    const others = now.inputs.map(({ node }) => node).filter((node) => node.op !== 'Const' && !quantized.has(node));
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

/** Floats of a part are few, and meet only what waited already. */
const isSmall = ({ outputs: [spec] }: GraphNode): boolean => spec!.dtype === 'float32';

/** Reads a variable, or a part of it, whose handle is put in later. */
const read = ({ shape, dtype }: TensorSpec): GraphNode =>
  node('ReadVariableOp', { dtype: { type: dtype } }, [], [{ shape, dtype }]);
