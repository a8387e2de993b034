import { checkUpdate } from '../checks.js';
import type { CompileOptions, InputShapes } from '../compile-options.js';
import type { ProgramSpec } from '../program.js';
import { cudnnAttention } from './cudnn-attention.js';
import { type EntryGraph, type GraphNode, identity, node, ref, specOf } from './graph.js';
import { HELD_FORMS } from './held-forms.js';
import { nativeKernel } from './native-kernel.js';
import { autocast, withoutMarks } from './passes/autocast.js';
import { dequantize, partOf } from './passes/dequantize.js';
import { lower } from './passes/lower.js';
import { mergeClusters } from './passes/merge.js';
import { outline, withoutClusters } from './passes/outline.js';
import { refsOf, rewrite } from './passes/rewrite.js';
import { shareCommon } from './passes/share.js';
import { inOneCluster } from './passes/whole.js';
import { record } from './recorder.js';
import { assign, done, fromWords, type GraphVariable, readVariable } from './variables.js';

/** An entry in the graph, for one set of input shapes. */
export interface GraphEntry {
  /** Unique in the graph; its inputs are fed as `<name>.in.<input>`, its outputs fetched as `<name>.out.<output>`. */
  readonly name: string;
  /** Variables that it reads. */
  readonly reads: readonly string[];
  /** Variables that it sets. */
  readonly updates: readonly string[];
  readonly outputs: Readonly<Record<string, GraphNode>>;
  readonly inputs: Readonly<Record<string, GraphNode>>;
  /** Fetched where no output is wanted. */
  readonly done: GraphNode;
}

/** How an entry's graph is made. */
export interface EntryOptions extends Pick<CompileOptions, 'precision' | 'compile' | 'attention' | 'kernels' | 'warn'> {
  /**
   * False leaves a whole entry in the parts that would be fused at least, instead of putting it into
   * one call: what its tensors take can be seen then. Default true.
   */
  readonly oneCall?: boolean;
}

/** Records an entry, works on its graph, and ties it to the variables. */
export function graphEntry(
  name: string,
  entryName: string,
  spec: ProgramSpec,
  shapes: InputShapes,
  variables: ReadonlyMap<string, GraphVariable>,
  options: EntryOptions,
): GraphEntry {
  const entry = spec.entries[entryName]!;
  const inputs = Object.fromEntries(
    Object.entries(entry.inputs).map(([input, { dtype }]) => [input, { shape: shapes[input]!, dtype }]),
  );
  const recorded = record(entryName, entry, spec.variables, inputs);
  for (const [variable, value] of Object.entries(recorded.updates))
    checkUpdate(spec.variables, entryName, variable, specOf(value));
  const worked = passes(recorded, variables, options, entry.compile !== false);
  return tie(name, fedAsWords(withVariables(worked, variables)), variables);
}

/**
 * What is done to an entry's graph between recording and writing, in order. Where an entry is not
 * to be compiled, the widening of weights in 8 or 4 bits is compiled nevertheless: op by op it takes
 * three times as long.
 */
function passes(
  recorded: EntryGraph,
  variables: ReadonlyMap<string, GraphVariable>,
  { precision, compile = 'none', attention, kernels = false, warn, oneCall = true }: EntryOptions,
  allowed: boolean,
): EntryGraph {
  const forms = new Map([...variables].map(([name, { held }]) => [name, HELD_FORMS[held]]));
  const heldLow = new Set([...variables].filter(([, { held }]) => held === 'bfloat16').map(([name]) => name));
  const flash = attention === 'flash' && compile === 'whole' && precision === 'bfloat16' && allowed;
  // XLA has none of our kernels.
  const native = kernels && !(compile === 'whole' && allowed);
  const lowered = lower(recorded, (node) =>
    flash ? cudnnAttention(node, warn) : native ? nativeKernel(node, precision) : undefined,
  );
  const merged = compile !== 'none' && allowed ? mergeClusters(shareCommon(lowered)) : withoutClusters(lowered);
  const wide = dequantize(merged, forms);
  const clusters = compile === 'none' ? withoutClusters(wide) : wide;
  const typed = precision === 'bfloat16' ? autocast(clusters, heldLow) : withoutMarks(clusters);
  const shared = shareCommon(typed);
  if (compile === 'none') return shared;
  return outline(compile === 'whole' && allowed && oneCall ? inOneCluster(shared) : shared);
}

/** The graph with its reads put on the variables' handles. */
function withVariables(graph: EntryGraph, variables: ReadonlyMap<string, GraphVariable>): EntryGraph {
  const handles = new Map<string, GraphNode>();
  for (const [name, { parts }] of variables)
    for (const [part, { handle }] of Object.entries(parts)) handles.set(partOf(name, part), handle);
  const reads = new Map(Object.entries(graph.reads).map(([name, read]) => [read, handles.get(name)!]));
  return rewrite(graph, (node, before) => {
    const handle = reads.get(before);
    return refsOf(handle ? readVariable(handle, specOf(ref(node))) : node);
  });
}

/** The graph with its float32 inputs fed as int32 words. */
function fedAsWords(graph: EntryGraph): EntryGraph {
  const words = new Map(
    Object.values(graph.inputs).map((input) => {
      const { shape } = specOf(ref(input));
      const fed = { shape, dtype: 'int32' } as const;
      return [input, node('Placeholder', { dtype: { type: 'int32' }, shape: { shape } }, [], [fed])];
    }),
  );
  const fed = rewrite(graph, (now, before) => {
    const input = words.get(before);
    return input ? [fromWords(ref(input), specOf(ref(now)))] : refsOf(now);
  });
  const used = Object.keys(fed.inputs).map((name) => [name, words.get(graph.inputs[name]!)!]);
  return { ...fed, inputs: Object.fromEntries(used) };
}

/**
 * Outputs that come once all variables have their new values. A variable is set after it was read:
 * the session keeps no other order than the one that nodes ask for. And after the new values of all
 * the others are there, except for caches, which are written in place: where there is no memory for
 * one of them, all are as they were.
 */
function tie(name: string, graph: EntryGraph, variables: ReadonlyMap<string, GraphVariable>): GraphEntry {
  const isCache = (variable: string) => variables.get(variable)!.spec.role === 'cache';
  const settled = Object.entries(graph.updates).flatMap(([variable, { node }]) => (isCache(variable) ? [] : [node]));
  const updates = Object.entries(graph.updates).map(([variable, value]) => {
    const { handle } = variables.get(variable)!.parts.value;
    const read = graph.reads[variable];
    const others = isCache(variable) ? [] : settled.filter((node) => node !== value.node);
    return assign(handle, value, specOf(value).dtype, [...new Set([...(read ? [read] : []), ...others])]);
  });
  const outputs = Object.fromEntries(
    Object.entries(graph.outputs).map(([output, value]) => [output, identity(value, updates)]),
  );
  return {
    name,
    reads: Object.keys(graph.reads).filter((variable) => variables.has(variable)),
    updates: Object.keys(graph.updates),
    inputs: graph.inputs,
    outputs,
    done: done(updates),
  };
}

/** Names by which the session is fed and asked, for all variables and entries. */
export function targetsOf(variables: Iterable<GraphVariable>, entries: Iterable<GraphEntry>): Map<string, GraphNode> {
  const targets = new Map<string, GraphNode>();
  for (const { name, parts, set, clear, get } of variables) {
    for (const [way, node] of Object.entries({ set, clear, get })) targets.set(`${name}.${way}`, node);
    for (const [part, { input }] of Object.entries(parts)) targets.set(`${name}.in.${part}`, input);
  }
  for (const { name, inputs, outputs, done } of entries) {
    for (const [input, node] of Object.entries(inputs)) targets.set(`${name}.in.${input}`, node);
    for (const [output, node] of Object.entries(outputs)) targets.set(`${name}.out.${output}`, node);
    targets.set(`${name}.done`, done);
  }
  return targets;
}
