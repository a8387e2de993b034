import { upload } from '../../backend/raw/upload.js';
import { openSession, type Session } from '../../backend/session.js';
import * as tf from '../../backend/tf.js';
import { float32, type HostTensor, int32, sizeOf } from '../../core/host-tensor.js';
import { checkFeeds, checkFetches, checkWrite, entryOf, variableSpec } from '../checks.js';
import type { CompileOptions, InputShapes } from '../compile-options.js';
import type { Program, ProgramSpec, VariableValue } from '../program.js';
import { type GraphEntry, graphEntry, targetsOf } from './entries.js';
import { isHeldLow } from './passes/autocast.js';
import { savedModel } from './saved-model.js';
import { feedOf, type GraphVariable, graphVariable } from './variables.js';

/**
 * Bytes that are loaded at a time: until they are set, the old values are in memory beside the new ones, but the session
 * prepares each call with feeds of its own (35 ms at 135M). A sixteenth of all that is held, 64 MiB at least.
 */
const groupBytes = (variables: Iterable<GraphVariable>): number => {
  let all = 0;
  for (const { held, spec } of variables) all += sizeOf(spec.shape) * (held === 'bfloat16' ? 2 : 4);
  return Math.max(64 << 20, all / 16);
};

/**
 * A program whose entries are recorded, once for each set of input shapes, and run as one TensorFlow graph over shared
 * variables. Shapes named in `options.shapes` are recorded at once; one that comes unforeseen makes the graph anew and
 * carries the variables over by way of the host, which takes seconds for a large model.
 */
export function capturedProgram(spec: ProgramSpec, options: CompileOptions): Program {
  const variables = graphVariables(spec, options);
  const entries = new Map<string, GraphEntry>();
  const unset = new Set(variables.keys());
  let session: Session | undefined;

  const add = (name: string, shapes: InputShapes): void => {
    const key = keyOf(name, shapes);
    if (!entries.has(key)) entries.set(key, graphEntry(`e${entries.size}`, name, spec, shapes, variables, options));
  };
  /** Frees what is fed. */
  const call = (fed: ReadonlyMap<string, tf.Tensor>, fetches: readonly string[]): tf.Tensor[] => {
    try {
      session ??= openSession(savedModel(targetsOf(variables.values(), entries.values())));
      return session.run(Object.fromEntries(fed), fetches);
    } finally {
      tf.dispose([...fed.values()]);
    }
  };
  const clear = (names: readonly string[]): void => {
    const fresh = names.filter((name) => unset.delete(name)).map((name) => `${variables.get(name)!.name}.clear`);
    if (fresh.length > 0) tf.dispose(call(new Map(), fresh));
  };
  const uploaded = (name: string, value: VariableValue[1]): tf.Tensor => upload(feedOf(variables.get(name)!, value));
  const assign = (values: ReadonlyMap<string, tf.Tensor>): void => {
    if (values.size === 0) return;
    const graphNames = [...values.keys()].map((name) => variables.get(name)!.name);
    const fed = new Map([...values.values()].map((value, i) => [`${graphNames[i]}.input`, value]));
    tf.dispose(
      call(
        fed,
        graphNames.map((name) => `${name}.set`),
      ),
    );
    for (const name of values.keys()) unset.delete(name);
  };
  const write = (values: readonly VariableValue[]): void =>
    assign(new Map([...new Map(values)].map(([name, value]) => [name, uploaded(name, value)])));
  const read = async (names: readonly string[]): Promise<Map<string, HostTensor>> => {
    for (const name of names) variableSpec(spec.variables, name);
    clear(names);
    const tensors =
      names.length > 0
        ? call(
            new Map(),
            names.map((name) => `${variables.get(name)!.name}.get`),
          )
        : [];
    return new Map(names.map((name, i) => [name, toHost(tensors[i]!)]));
  };
  const extend = async (name: string, shapes: InputShapes): Promise<void> => {
    const kept = session ? await read([...variables.keys()].filter((variable) => !unset.has(variable))) : new Map();
    add(name, shapes);
    session?.close();
    session = undefined;
    write([...kept]);
  };

  for (const [name, all] of Object.entries(options.shapes ?? {})) for (const shapes of all) add(name, shapes);
  for (const [name, { inputs }] of Object.entries(spec.entries)) {
    const fixed = fixedShapes(inputs);
    if (fixed) add(name, fixed);
  }
  return {
    variables: spec.variables,
    async run(name, feeds, fetches = []) {
      checkFeeds(name, entryOf(spec.entries, name), feeds);
      const shapes = Object.fromEntries(Object.entries(feeds).map(([input, { shape }]) => [input, shape]));
      if (!entries.has(keyOf(name, shapes))) await extend(name, shapes);
      const entry = entries.get(keyOf(name, shapes))!;
      checkFetches(name, entry.outputs, fetches);
      clear(entry.reads);
      const used = Object.entries(feeds).filter(([input]) => input in entry.inputs);
      const outputs = call(
        new Map(used.map(([input, value]) => [`${entry.name}.in.${input}`, upload(value)])),
        fetches.length > 0 ? fetches.map((output) => `${entry.name}.out.${output}`) : [`${entry.name}.done`],
      );
      for (const variable of entry.updates) unset.delete(variable);
      if (fetches.length > 0) return Object.fromEntries(fetches.map((output, i) => [output, toHost(outputs[i]!)]));
      tf.dispose(outputs);
      return {};
    },
    holds: (name) => variables.get(variableSpec(spec.variables, name) && name)!.held,
    read: (names) => read([...names]),
    write(values) {
      const checked = [...values];
      for (const given of checked) checkWrite(spec.variables, given);
      write(checked);
    },
    async load(values) {
      const ready = new Map<string, tf.Tensor>();
      const most = groupBytes(variables.values());
      let bytes = 0;
      const flush = (): void => {
        assign(ready);
        ready.clear();
        bytes = 0;
      };
      try {
        for await (const [name, value] of values) {
          checkWrite(spec.variables, [name, value]);
          if (ready.has(name) || bytes >= most) flush();
          ready.set(name, uploaded(name, value));
          bytes += value.data.byteLength;
        }
        flush();
      } finally {
        tf.dispose([...ready.values()]);
      }
    },
    dispose() {
      session?.close();
      session = undefined;
      for (const name of variables.keys()) unset.add(name);
    },
  };
}

const graphVariables = ({ variables }: ProgramSpec, { precision }: CompileOptions): Map<string, GraphVariable> =>
  new Map(
    Object.entries(variables).map(([name, variable], i) => {
      const held = precision === 'bfloat16' && isHeldLow(variable) ? 'bfloat16' : variable.dtype;
      return [name, graphVariable(`v${i}`, variable, held)];
    }),
  );

const keyOf = (entry: string, shapes: InputShapes): string =>
  [
    entry,
    ...Object.entries(shapes)
      .map(([input, shape]) => `${input}[${shape}]`)
      .sort(),
  ].join(' ');

/** The shapes of an entry's inputs where none of them varies. */
function fixedShapes(inputs: ProgramSpec['entries'][string]['inputs']): InputShapes | undefined {
  const all = Object.entries(inputs).map(([input, { shape }]) => [input, shape] as const);
  if (all.some(([, shape]) => shape.includes(null))) return undefined;
  return Object.fromEntries(all) as InputShapes;
}

function toHost(tensor: tf.Tensor): HostTensor {
  const data = tensor.dataSync();
  const host =
    tensor.dtype === 'int32' ? int32(tensor.shape, data as Int32Array) : float32(tensor.shape, data as Float32Array);
  tensor.dispose();
  return host;
}
