import { upload } from '../backend/raw/upload.js';
import * as tf from '../backend/tf.js';
import type { HostTensor } from '../core/host-tensor.js';
import { widened } from '../io/float.js';
import { checkFeeds, checkFetches, checkUpdate, checkWrite, entryOf, variableSpec } from './checks.js';
import type { Entry, Program, ProgramSpec, Tensors, VariableValue } from './program.js';

/**
 * A program whose entries run op by op on the current backend, in float32. The reference for every
 * other way to run it.
 */
export function eagerProgram(spec: ProgramSpec): Program {
  const values = new Map<string, tf.Tensor>();
  const variable = (name: string): tf.Tensor => {
    const given = values.get(name);
    if (given) return given;
    const { shape, dtype } = variableSpec(spec.variables, name);
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
      const entry = entryOf(spec.entries, name);
      checkFeeds(name, entry, feeds);
      const variables = Object.fromEntries(Object.keys(spec.variables).map((v) => [v, variable(v)]));
      const inputs = Object.fromEntries(Object.entries(feeds).map(([input, value]) => [input, upload(value)]));
      let left: Tensors[] = [inputs];
      try {
        const { outputs, updates } = runEntry(entry, variables, inputs);
        left = [inputs, outputs, updates];
        checkFetches(name, outputs, fetches);
        for (const [v, value] of Object.entries(updates)) checkUpdate(spec.variables, name, v, value);
        for (const [v, value] of Object.entries(updates)) set(v, value);
        left = [inputs, outputs];
        const fetched = fetches.map(async (output) => [output, await toHost(outputs[output]!)] as const);
        return Object.fromEntries(await Promise.all(fetched));
      } finally {
        for (const tensors of left) tf.dispose(Object.values(tensors));
      }
    },
    holds: (name) => variableSpec(spec.variables, name).dtype,
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

/** Runs the entry in a scope: everything except its outputs and updates is freed, and those are the caller's. */
function runEntry(entry: Entry, variables: Tensors, inputs: Tensors): { outputs: Tensors; updates: Tensors } {
  tf.engine().startScope();
  try {
    const { outputs, updates } = entry.run(variables, inputs);
    const keep = (tensors: Tensors = {}) =>
      Object.fromEntries(Object.entries(tensors).map(([name, t]) => [name, tf.keep(tf.clone(t))]));
    return { outputs: keep(outputs), updates: keep(updates) };
  } finally {
    tf.engine().endScope();
  }
}

async function toHost(t: tf.Tensor): Promise<HostTensor> {
  const data = await t.data();
  if (t.dtype === 'int32') return { shape: t.shape, dtype: 'int32', data: data as Int32Array };
  return { shape: t.shape, dtype: 'float32', data: data as Float32Array };
}
