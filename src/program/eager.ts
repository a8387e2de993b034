import { upload } from '../backend/raw/upload.js';
import * as tf from '../backend/tf.js';
import type { HostTensor } from '../core/host-tensor.js';
import { widened } from '../io/float.js';
import { checkWrite, type Entry, type Program, type ProgramSpec, type Tensors, type VariableValue } from './program.js';

/** A program whose entries run op by op on the current backend, in float32. The reference for every other way to run it. */
export function eagerProgram(spec: ProgramSpec): Program {
  const values = new Map<string, tf.Tensor>();
  const variable = (name: string): tf.Tensor => {
    const given = values.get(name);
    if (given) return given;
    const { shape, dtype } = variableSpec(spec, name);
    const zeros = tf.keep(tf.zeros([...shape], dtype));
    values.set(name, zeros);
    return zeros;
  };
  const set = (name: string, value: tf.Tensor): void => {
    const old = values.get(name);
    if (old === value) return;
    old?.dispose();
    values.set(name, tf.keep(value));
  };
  return {
    variables: spec.variables,
    async run(name, feeds, fetches = []) {
      const entry = spec.entries[name];
      if (!entry) throw new RangeError(`no entry ${name}; there are ${Object.keys(spec.entries).join(', ')}`);
      checkFeeds(name, entry, feeds);
      const variables = Object.fromEntries(Object.keys(spec.variables).map((v) => [v, variable(v)]));
      const inputs = Object.fromEntries(Object.entries(feeds).map(([input, value]) => [input, upload(value)]));
      try {
        const { outputs, updates = {} } = runEntry(entry, variables, inputs);
        for (const [v, value] of Object.entries(updates)) {
          checkUpdate(spec, name, v, value);
          set(v, value);
        }
        const fetched = await fetch(name, outputs, fetches);
        tf.dispose(Object.values(outputs));
        return fetched;
      } finally {
        tf.dispose(Object.values(inputs));
      }
    },
    holds: (name) => variableSpec(spec, name).dtype,
    async read(names) {
      const read = new Map<string, HostTensor>();
      for (const name of names) read.set(name, await toHost(variable(name)));
      return read;
    },
    write(values) {
      const checked = [...values];
      for (const given of checked) checkWrite(spec.variables, given);
      for (const [name, value] of checked) set(name, uploaded(value));
    },
    async load(values) {
      for await (const [name, value] of values) {
        checkWrite(spec.variables, [name, value]);
        set(name, uploaded(value));
      }
    },
    dispose() {
      for (const value of values.values()) value.dispose();
      values.clear();
    },
  };
}

const uploaded = (value: VariableValue[1]): tf.Tensor => upload(value.dtype === 'bfloat16' ? widened(value) : value);

/** Runs the entry in a scope of its own: everything but its outputs and updates is freed, and they are the caller's. */
function runEntry(entry: Entry, variables: Tensors, inputs: Tensors): { outputs: Tensors; updates?: Tensors } {
  tf.engine().startScope();
  try {
    const { outputs, updates } = entry.run(variables, inputs);
    const own = (tensors: Tensors = {}) =>
      Object.fromEntries(Object.entries(tensors).map(([name, t]) => [name, tf.keep(tf.clone(t))]));
    return { outputs: own(outputs), updates: own(updates) };
  } finally {
    tf.engine().endScope();
  }
}

async function fetch(entry: string, outputs: Tensors, names: readonly string[]): Promise<Record<string, HostTensor>> {
  const fetched: Record<string, HostTensor> = {};
  for (const name of names) {
    const output = outputs[name];
    if (!output) throw new RangeError(`${entry} has no output ${name}; it has ${Object.keys(outputs).join(', ')}`);
    fetched[name] = await toHost(output);
  }
  return fetched;
}

async function toHost(t: tf.Tensor): Promise<HostTensor> {
  const data = await t.data();
  if (t.dtype === 'int32') return { shape: t.shape, dtype: 'int32', data: data as Int32Array };
  return { shape: t.shape, dtype: 'float32', data: data as Float32Array };
}

function variableSpec(spec: ProgramSpec, name: string) {
  const found = spec.variables[name];
  if (!found) throw new RangeError(`no variable ${name} in this program`);
  return found;
}

function checkFeeds(name: string, entry: Entry, feeds: Readonly<Record<string, HostTensor>>): void {
  for (const [input, { shape, dtype }] of Object.entries(entry.inputs)) {
    const feed = feeds[input];
    if (!feed) throw new RangeError(`${name}: the input ${input} was not fed`);
    const fits = feed.shape.length === shape.length && shape.every((d, i) => d === null || d === feed.shape[i]);
    if (feed.dtype !== dtype || !fits)
      throw new RangeError(
        `${name}: ${input} must be ${dtype} [${shape.map((d) => d ?? '?')}], got ${feed.dtype} [${feed.shape}]`,
      );
  }
  for (const input of Object.keys(feeds))
    if (!entry.inputs[input])
      throw new RangeError(`${name} has no input ${input}; it has ${Object.keys(entry.inputs)}`);
}

function checkUpdate(spec: ProgramSpec, entry: string, name: string, value: tf.Tensor): void {
  const { shape, dtype, role } = variableSpec(spec, name);
  if (role === 'frozen') throw new RangeError(`${entry} updates ${name}, which is frozen`);
  if (value.dtype !== dtype || value.shape.join() !== shape.join())
    throw new RangeError(
      `${entry}: the update of ${name} must be ${dtype} [${shape}], got ${value.dtype} [${value.shape}]`,
    );
}
