import type * as tf from '../backend/tf.js';
import type { HostDtype, HostTensor } from '../core/host-tensor.js';

/** A named value that outlives a call: a weight, an adapter matrix, an optimizer moment, a cache. */
export interface VariableSpec {
  readonly shape: readonly number[];
  readonly dtype: HostDtype;
  /**
   * Entries may update trainable variables, state and caches; frozen ones only change by `write`. A
   * cache only goes into products, and may be kept in their type as frozen matrices are.
   */
  readonly role: 'frozen' | 'trainable' | 'state' | 'cache';
  /**
   * True for a frozen matrix [outputs, inputs] that is asked for products only: it may be held in 8
   * bits, each output with a scale, or in 4, each 64 elements with one.
   */
  readonly quantizable?: boolean;
}

/** Tensors by name: what an entry gets, and what it gives back. */
export type Tensors = Readonly<Record<string, tf.Tensor>>;

/** Outputs of an entry, and the new values of the variables it changes. */
export interface EntryResult {
  readonly outputs: Tensors;
  readonly updates?: Tensors;
}

/** Shape and type of one input of an entry; null is a dimension that differs from call to call. */
export interface InputSpec {
  readonly shape: readonly (number | null)[];
  readonly dtype: HostDtype;
}

/**
 * A pure function over the program's variables and the fed inputs. It must not read a tensor's values, and whatever
 * changes from call to call must come in as an input: it may be recorded once and replayed as a graph.
 */
export interface Entry {
  readonly inputs: Readonly<Record<string, InputSpec>>;
  /** False where compiling it (see `compile` of the options) takes more time than it saves, or is not possible. */
  readonly compile?: boolean;
  run(variables: Tensors, inputs: Tensors): EntryResult;
}

/** What a program is made of. Parts of several modules are put together with {@link joinSpecs}. */
export interface ProgramSpec {
  readonly variables: Readonly<Record<string, VariableSpec>>;
  readonly entries: Readonly<Record<string, Entry>>;
}

/** A variable's name and a value for it. */
export type VariableValue = readonly [name: string, value: HostTensor | HostTensor<'bfloat16'>];

/** Named variables on the device, all zero at first, and entries that run over them. */
export interface Program {
  /** Names and specs of the variables. */
  readonly variables: Readonly<Record<string, VariableSpec>>;
  /**
   * Runs an entry and applies its updates. Only the outputs named in `fetches` are read back to the host.
   * Throws a RangeError on a feed that is missing, unknown or of the wrong shape or type.
   */
  run(
    entry: string,
    feeds: Readonly<Record<string, HostTensor>>,
    fetches?: readonly string[],
  ): Promise<Record<string, HostTensor>>;
  /**
   * Type to write a variable in: the declared one, or bfloat16 for a frozen float32 variable or a
   * cache that is kept in it. What is kept in 8 or 4 bits is written in its declared type, so that it is
   * rounded once.
   */
  holds(name: string): HostDtype | 'bfloat16';
  /**
   * Copies variables' values to the host, in their declared types, all in one go: ask for what fits
   * in memory twice.
   */
  read(names: Iterable<string>): Promise<Map<string, HostTensor>>;
  /**
   * Sets variables, all in one go; the arrays may be reused afterwards. A bfloat16 value may be
   * given for a float32 variable, and a float32 one is rounded where it is held in less (in 8 bits
   * each row by itself, see `quantizeRows`; in 4 see `quantizeNf4`). Throws a RangeError on an unknown name or a wrong
   * shape or type, and has then set nothing.
   */
  write(values: Iterable<VariableValue>): void;
  /**
   * Sets variables to values that come one after another. Each is used only until the next is asked
   * for, so all may come in one array. Throws as `write` does, or what the source throws; some
   * variables may have been set by then.
   */
  load(values: AsyncIterable<VariableValue>): Promise<void>;
  /** Frees every variable. The program cannot be used afterwards. */
  dispose(): void;
}

/** One spec of several. Throws when two of them define a variable or an entry of the same name. */
export function joinSpecs(...specs: readonly ProgramSpec[]): ProgramSpec {
  const join = <T>(kind: string, parts: readonly Readonly<Record<string, T>>[]): Record<string, T> => {
    const all: Record<string, T> = {};
    for (const part of parts)
      for (const [name, value] of Object.entries(part)) {
        if (name in all) throw new RangeError(`two parts of a program define the ${kind} ${name}`);
        all[name] = value;
      }
    return all;
  };
  return {
    variables: join(
      'variable',
      specs.map((spec) => spec.variables),
    ),
    entries: join(
      'entry',
      specs.map((spec) => spec.entries),
    ),
  };
}
