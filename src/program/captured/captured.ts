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
import { type FlashProblem, flashProblem } from './flash-problem.js';
import { isHeldLow } from './passes/autocast.js';
import { savedModel } from './saved-model.js';
import { type SessionCall, toHost, variableStore } from './variable-store.js';
import { type GraphVariable, graphVariable } from './variables.js';

/**
 * A program whose entries are recorded, once for each set of input shapes, and run as one TensorFlow graph over shared
 * variables. Shapes named in `options.shapes` are recorded at once; an unforeseen one rebuilds the graph and
 * copies the variables through the host, which takes seconds for a large model.
 */
export function capturedProgram(spec: ProgramSpec, options: CompileOptions): Program {
  const variables = graphVariables(spec, options);
  let entries = recordedEntries(spec, options, variables);
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
  /** Opens another session after `change`, with the variables of this one. */
  const reopened = async <T>(change: () => T): Promise<T> => {
    const kept = session ? await store.read(store.known()) : new Map<string, HostTensor>();
    const changed = change();
    close();
    store.write(kept);
    return changed;
  };
  const find = async (name: string, shapes: InputShapes): Promise<GraphEntry> =>
    entries.get(name, shapes) ?? reopened(() => entries.add(name, shapes));
  /** Records all entries again without the device's own attention, which it turned out not to have. */
  const withoutFlash = async (problem: FlashProblem): Promise<void> => {
    options.warn?.(problem.message);
    const recorded = [...entries.shapes()];
    await reopened(() => {
      entries = recordedEntries(spec, { ...options, attention: 'recompute', shapes: {} }, variables);
      for (const [name, shapes] of recorded) entries.add(name, shapes);
    });
  };
  const runOnce = async (name: string, feeds: Feeds, fetches: readonly string[]) => {
    const entry = await find(name, shapesOf(feeds));
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
      const outputs = await runOnce(name, feeds, fetches).catch(async (error: unknown) => {
        const problem = entries.flash ? flashProblem(error) : undefined;
        if (!problem) throw error;
        await withoutFlash(problem);
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

type Feeds = Readonly<Record<string, HostTensor>>;

/** Entries by name and input shapes. */
interface RecordedEntries {
  /** True where attention may be the device's own. */
  readonly flash: boolean;
  /** What was recorded. */
  shapes(): Iterable<readonly [name: string, shapes: InputShapes]>;
  get(name: string, shapes: InputShapes): GraphEntry | undefined;
  add(name: string, shapes: InputShapes): GraphEntry;
  all(): Iterable<GraphEntry>;
}

/** Entries recorded for the shapes that options name, and those whose shapes do not vary. */
function recordedEntries(
  spec: ProgramSpec,
  options: CompileOptions,
  variables: ReadonlyMap<string, GraphVariable>,
): RecordedEntries {
  const entries = new Map<string, GraphEntry>();
  const recorded: [name: string, shapes: InputShapes][] = [];
  const add = (name: string, shapes: InputShapes): GraphEntry => {
    const key = keyOf(name, shapes);
    const known = entries.get(key);
    if (known) return known;
    const made = graphEntry(`e${entries.size}`, name, spec, shapes, variables, options);
    entries.set(key, made);
    recorded.push([name, shapes]);
    return made;
  };
  for (const [name, all] of Object.entries(options.shapes ?? {})) for (const shapes of all) add(name, shapes);
  for (const [name, { inputs }] of Object.entries(spec.entries)) {
    const fixed = fixedShapes(inputs);
    if (fixed) add(name, fixed);
  }
  return {
    flash: options.attention === 'flash',
    shapes: () => recorded,
    get: (name, shapes) => entries.get(keyOf(name, shapes)),
    add,
    all: () => entries.values(),
  };
}

/** A spec's variables, each held as the options say. */
export const graphVariables = ({ variables }: ProgramSpec, options: CompileOptions): Map<string, GraphVariable> =>
  new Map(
    Object.entries(variables).map(([name, variable], i) => [
      name,
      graphVariable(`v${i}`, variable, heldAs(variable, options)),
    ]),
  );

function heldAs(variable: VariableSpec, { precision, loadIn8bit }: CompileOptions): GraphVariable['held'] {
  if (loadIn8bit && variable.quantizable) return 'int8';
  return precision === 'bfloat16' && isHeldLow(variable) ? 'bfloat16' : variable.dtype;
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
