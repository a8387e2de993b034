import { upload } from '../../backend/raw/upload.js';
import * as tf from '../../backend/tf.js';
import { float32, type HostTensor, int32 } from '../../core/host-tensor.js';
import { checkWrite, variableSpec } from '../checks.js';
import type { Program, ProgramSpec, VariableValue } from '../program.js';
import { HELD_FORMS } from './held-forms.js';
import type { Room } from './quantize-rows.js';
import { feedsOf, type GraphVariable } from './variables.js';

/** Runs the session: what is fed is freed. */
export type SessionCall = (fed: ReadonlyMap<string, tf.Tensor>, fetches: readonly string[]) => tf.Tensor[];

/** The variables' values, in a session. */
export interface VariableStore extends Pick<Program, 'holds' | 'read' | 'write' | 'load'> {
  /** Sets those of the variables to zeros that have no value yet. */
  clear(names: Iterable<string>): void;
  /** Says that variables got values otherwise. */
  wereSet(names: Iterable<string>): void;
  /** Says that there is another session, in which no variable has a value. */
  forget(): void;
}

/**
 * Bytes that are loaded together into variables of `total` bytes: until they are set, the old
 * values are in memory beside the new ones, but the session prepares each new set of feeds (35 ms
 * at 135M). A sixteenth of all that is held, 64 MiB at least.
 */
export const groupBytes = (all: number): number => Math.max(64 << 20, all / 16);

/** A store of the variables of a spec. Their graph must be in the session that `call` runs. */
export function variableStore(
  specs: ProgramSpec['variables'],
  variables: ReadonlyMap<string, GraphVariable>,
  call: SessionCall,
): VariableStore {
  const unset = new Set(variables.keys());
  const graphNames = (names: readonly string[], part: string) =>
    names.map((name) => `${variables.get(name)!.name}.${part}`);
  const clear = (names: Iterable<string>): void => {
    const fresh = [...names].filter((name) => unset.delete(name));
    if (fresh.length > 0) tf.dispose(call(new Map(), graphNames(fresh, 'clear')));
  };
  const uploaded = (given: VariableValue, room?: Room): Feeds => {
    const variable = variables.get(given[0])!;
    const feeds = Object.entries(feedsOf(variable, given, room));
    return new Map(feeds.map(([part, value]) => [`${variable.name}.in.${part}`, upload(value)]));
  };
  const assign = (values: ReadonlyMap<string, Feeds>): void => {
    if (values.size === 0) return;
    tf.dispose(
      call(new Map([...values.values()].flatMap((feeds) => [...feeds])), graphNames([...values.keys()], 'set')),
    );
    for (const name of values.keys()) unset.delete(name);
  };
  return {
    clear,
    wereSet: (names) => {
      for (const name of names) unset.delete(name);
    },
    forget: () => {
      for (const name of variables.keys()) unset.add(name);
    },
    holds: (name) => {
      variableSpec(specs, name);
      const { held, spec } = variables.get(name)!;
      return HELD_FORMS[held].written ?? spec.dtype;
    },
    async read(asked) {
      const names = [...asked];
      for (const name of names) variableSpec(specs, name);
      clear(names);
      const tensors = names.length > 0 ? call(new Map(), graphNames(names, 'get')) : [];
      return new Map(names.map((name, i) => [name, toHost(tensors[i]!)]));
    },
    write(values) {
      const given = new Map(values);
      for (const each of given) checkWrite(specs, each);
      const ready = new Map<string, Feeds>();
      try {
        for (const each of given) ready.set(each[0], uploaded(each));
        assign(ready);
      } finally {
        dispose(ready);
      }
    },
    async load(values) {
      const ready = new Map<string, Feeds>();
      const most = groupBytes([...variables.values()].reduce((sum, { bytes }) => sum + bytes, 0));
      const room = sameRoom();
      let bytes = 0;
      const flush = (): void => {
        assign(ready);
        ready.clear();
        bytes = 0;
      };
      try {
        for await (const [name, value] of values) {
          checkWrite(specs, [name, value]);
          if (ready.has(name) || bytes >= most) flush();
          ready.set(name, uploaded([name, value], room));
          bytes += variables.get(name)!.bytes;
        }
        flush();
      } finally {
        dispose(ready);
      }
    },
  };
}

/** Room that is used again: garbage of a model's size would be freed only some time, and leave holes. */
function sameRoom(): Room {
  let all = new Int32Array(0);
  return (words) => {
    if (words > all.length) all = new Int32Array(words);
    return all.subarray(0, words);
  };
}

/** Tensors by where they are fed. */
type Feeds = ReadonlyMap<string, tf.Tensor>;

const dispose = (values: ReadonlyMap<string, Feeds>): void => {
  for (const feeds of values.values()) tf.dispose([...feeds.values()]);
};

/** A tensor's elements; it is freed. */
export function toHost(tensor: tf.Tensor): HostTensor {
  const data = tensor.dataSync();
  const host =
    tensor.dtype === 'int32' ? int32(tensor.shape, data as Int32Array) : float32(tensor.shape, data as Float32Array);
  tensor.dispose();
  return host;
}
