import type { HostDtype, HostTensor } from '../core/host-tensor.js';
import type * as tf from '../backend/tf.js';

/** A named value that outlives a call: a weight, an adapter matrix, an optimizer moment, a cache. */
export interface VariableSpec {
  readonly shape: readonly number[];
  readonly dtype: HostDtype;
  /** Trainable variables and state may be updated by entries; frozen ones never are. */
  readonly role: 'frozen' | 'trainable' | 'state';
}

/** Tensors by name: what an entry gets, and what it gives back. */
export type Tensors = Readonly<Record<string, tf.Tensor>>;

/** Outputs of an entry, and the new values of the variables it changes. */
export interface EntryResult {
  readonly outputs: Tensors;
  readonly updates?: Tensors;
}

/** Shape and type of one input of an entry. */
export interface InputSpec {
  readonly shape: readonly number[];
  readonly dtype: HostDtype;
}

/**
 * A pure function over the program's variables and the fed inputs. It must not read a tensor's values, and whatever
 * changes from call to call must come in as an input: it may be recorded once and replayed as a graph.
 */
export interface Entry {
  /** The input shapes it will be called with, one set for each; a recorder builds a graph entry for each. */
  readonly inputs: readonly Readonly<Record<string, InputSpec>>[];
  run(variables: Tensors, inputs: Tensors): EntryResult;
}

/** What a program is made of. */
export interface ProgramSpec {
  readonly variables: Readonly<Record<string, VariableSpec>>;
  readonly entries: Readonly<Record<string, Entry>>;
}

/** Named variables on the device, and entries that run over them. */
export interface Program {
  /** Runs an entry; only the outputs named in `fetches` are read back to the host. Updates are applied. */
  run(entry: string, feeds: Readonly<Record<string, HostTensor>>, fetches?: readonly string[]): Promise<Record<string, HostTensor>>;
  /** Copies a variable's value to the host. */
  read(name: string): Promise<HostTensor>;
  /** Sets a variable. The host data may be reused by the caller afterwards. Throws on an unknown name or a wrong shape or type. */
  write(name: string, value: HostTensor): void;
  /** Names and specs of the variables. */
  readonly variables: Readonly<Record<string, VariableSpec>>;
  /** Frees every variable. */
  dispose(): void;
}
