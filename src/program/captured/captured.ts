import { setImmediate } from 'node:timers/promises';
import { upload } from '../../backend/raw/upload.js';
import { openSession, type Session } from '../../backend/session.js';
import * as tf from '../../backend/tf.js';
import type { HostTensor } from '../../core/host-tensor.js';
import { wordsOf } from '../../io/float.js';
import { checkFeeds, checkFetches, entryOf } from '../checks.js';
import type { CompileOptions, InputShapes } from '../compile-options.js';
import type { Program, ProgramSpec, VariableSpec } from '../program.js';
import { type GraphEntry, graphEntry, targetsOf } from './entries.js';
import { flashProblem } from './flash-problem.js';
import type { Held } from './held-forms.js';
import { isHeldLow } from './passes/autocast.js';
import { graphDef, savedModel } from './saved-model.js';
import { type SessionCall, toHost, variableStore } from './variable-store.js';
import { type GraphVariable, graphVariable } from './variables.js';

/**
 * A program whose entries are recorded, once for each set of input shapes, and run as one TensorFlow graph over shared
 * variables. Shapes named in `options.shapes` are recorded at once; an unforeseen one is when it comes, and is added
 * to the graph that is loaded.
 */
export function capturedProgram(spec: ProgramSpec, options: CompileOptions): Program {
  const variables = graphVariables(spec, options);
  const warn = eachOnce(options.warn);
  const entries = recordedEntries(spec, { ...options, warn }, variables);
  let session: Session | undefined;
  const close = (): void => {
    session?.close();
    session = undefined;
    store.forget();
  };
  const call: SessionCall = (fed, fetches) => {
    try {
      session ??= openSession(savedModel(targetsOf(variables.values(), entries.all())));
      return session.run(Object.fromEntries(fed), fetches);
    } finally {
      tf.dispose([...fed.values()]);
    }
  };
  const store = variableStore(spec.variables, variables, call);
  const extend = (added: GraphEntry): void => session?.extend(graphDef(targetsOf([], [added]), `${added.name}.`));
  const runOnce = async (name: string, feeds: Feeds, fetches: readonly string[]): Promise<tf.Tensor[]> => {
    const entry = entries.find(name, shapesOf(feeds), extend);
    // A session's call blocks, and promises are settled before anything else is heard: without
    // this an interrupt would not be.
    await setImmediate();
    checkFetches(name, entry.outputs, fetches);
    store.clear(entry.reads);
    const used = Object.entries(feeds).filter(([input]) => input in entry.inputs);
    const outputs = call(
      new Map(used.map(([input, value]) => [`${entry.name}.in.${input}`, upload(wordsOf(value))])),
      fetches.length > 0 ? fetches.map((output) => `${entry.name}.out.${output}`) : [`${entry.name}.done`],
    );
    store.wereSet(entry.updates);
    return outputs;
  };
  return {
    variables: spec.variables,
    async run(name, feeds, fetches = []) {
      checkFeeds(name, entryOf(spec.entries, name), feeds);
      const outputs = await runOnce(name, feeds, fetches).catch((error: unknown) => {
        const problem = flashProblem(error);
        if (!problem || !entries.withoutFlash()) throw error;
        warn(problem);
        return runOnce(name, feeds, fetches);
      });
      if (fetches.length > 0) return Object.fromEntries(fetches.map((output, i) => [output, toHost(outputs[i]!)]));
      tf.dispose(outputs);
      return {};
    },
    holds: store.holds,
    read: store.read,
    write: store.write,
    load: store.load,
    dispose: close,
  };
}

/** Hands on each message once. */
function eachOnce(warn: CompileOptions['warn']): (message: string) => void {
  const said = new Set<string>();
  return (message) => {
    if (!said.has(message)) warn?.(message);
    said.add(message);
  };
}

type Feeds = Readonly<Record<string, HostTensor>>;

/** Entries by name and input shapes. */
interface RecordedEntries {
  /** Records an entry where it is not known, to be kept unless `use` throws. */
  find(name: string, shapes: InputShapes, use?: (added: GraphEntry) => void): GraphEntry;
  all(): Iterable<GraphEntry>;
  /** From now on entries have no attention of the device's own: each is recorded again. False where none has any. */
  withoutFlash(): boolean;
}

/** Entries recorded for the shapes that options name, and those whose shapes do not vary. */
function recordedEntries(
  spec: ProgramSpec,
  options: CompileOptions,
  variables: ReadonlyMap<string, GraphVariable>,
): RecordedEntries {
  const entries = new Map<string, GraphEntry>();
  let { attention = 'recompute' } = options;
  let made = 0;
  const find: RecordedEntries['find'] = (name, shapes, use) => {
    const key = keyOf(name, shapes);
    const known = entries.get(key);
    if (known) return known;
    const entry = graphEntry(`e${made}`, name, spec, shapes, variables, { ...options, attention });
    use?.(entry);
    made += 1;
    entries.set(key, entry);
    return entry;
  };
  for (const [name, all] of Object.entries(options.shapes ?? {})) for (const shapes of all) find(name, shapes);
  for (const [name, { inputs }] of Object.entries(spec.entries)) {
    const fixed = fixedShapes(inputs);
    if (fixed) find(name, fixed);
  }
  const withoutFlash = (): boolean => {
    if (attention !== 'flash') return false;
    attention = 'recompute';
    entries.clear();
    return true;
  };
  return { find, all: () => entries.values(), withoutFlash };
}

/** A spec's variables, each held as the options say. */
export const graphVariables = ({ variables }: ProgramSpec, options: CompileOptions): Map<string, GraphVariable> =>
  new Map(
    Object.entries(variables).map(([name, variable], i) => [
      name,
      graphVariable(`v${i}`, variable, heldAs(variable, options)),
    ]),
  );

function heldAs(variable: VariableSpec, { precision, loadIn16bit, loadIn8bit, loadIn4bit }: CompileOptions): Held {
  if (variable.quantizable && loadIn4bit) return 'nf4';
  if (variable.quantizable && loadIn8bit) return 'int8';
  if (precision === 'bfloat16' && isHeldLow(variable)) return 'bfloat16';
  return variable.quantizable && loadIn16bit ? 'widened' : variable.dtype;
}

const shapesOf = (feeds: Readonly<Record<string, HostTensor>>): InputShapes =>
  Object.fromEntries(Object.entries(feeds).map(([input, { shape }]) => [input, shape]));

const keyOf = (entry: string, shapes: InputShapes): string =>
  [
    entry,
    ...Object.entries(shapes)
      .map(([input, shape]) => `${input}[${shape}]`)
      .sort(),
  ].join(' ');

/** The shapes of an entry's inputs where none of them varies. */
export function fixedShapes(inputs: ProgramSpec['entries'][string]['inputs']): InputShapes | undefined {
  const all = Object.entries(inputs).map(([input, { shape }]) => [input, shape] as const);
  if (all.some(([, shape]) => shape.includes(null))) return undefined;
  return Object.fromEntries(all) as InputShapes;
}
