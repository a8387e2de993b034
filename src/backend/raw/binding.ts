import type * as tf from '../tf.js';
import { nativeBackend } from './native-op.js';

/**
 * An attribute as TensorFlow.js hands it to the native library: its kind is one of the binding's
 * `TF_ATTR_*` numbers.
 */
export interface BindingAttribute {
  readonly name: string;
  readonly type: number;
  readonly value: unknown;
}

/** What the native library answers about a tensor: its handle, its shape and TensorFlow's number of its type. */
export interface BindingTensor {
  readonly id: number;
  readonly shape: number[];
  readonly dtype: number;
}

/** The calls of the native library through which every op of the backend goes. */
export interface Binding {
  createTensor(shape: number[], dtype: number, values: ArrayLike<number>): number;
  deleteTensor(id: number): void;
  executeOp(
    op: string,
    attributes: readonly BindingAttribute[],
    inputs: readonly number[],
    outputs: number,
  ): BindingTensor[];
  tensorDataSync(id: number): unknown;
}

/** Attributes of a composite: numbers, which are floats where they are not whole, and switches. */
export type CompositeAttributes = Readonly<Record<string, number | boolean>>;

/** What takes the place of the library's calls: those, and a call that only a recorder knows. */
export interface RecordingBinding extends Binding {
  /** Makes one op of what `work` does to tensors that stand for the inputs. */
  composite(
    name: string,
    attributes: CompositeAttributes,
    inputs: readonly number[],
    work: (inputs: readonly BindingTensor[]) => readonly number[],
  ): BindingTensor[];
}

let recording = false;

/** True while the native library's calls go to a recorder. */
export const isRecording = (): boolean => recording;

/** What the native backend keeps of a tensor; `values` as long as the library has not seen it. */
interface Kept {
  readonly values: object | null;
}

interface Swapped {
  binding: Record<string, unknown>;
  readonly tensorMap: { get(data: object): Kept };
  move(data: object, ...kept: unknown[]): void;
  getInputTensorIds(tensors: readonly { readonly dataId?: object }[]): number[];
}

/** Handle of no tensor: of one that was made before {@link withBinding}, and that the library has not seen yet. */
const NONE = -1;

/**
 * Runs `work` while the native backend calls `binding`'s functions in place of the library's; its
 * constants stay. A tensor made before has the library's handle, or -1 where it has none yet: it
 * would get it from `binding`, and keep it.
 */
export function withBinding<T>(binding: RecordingBinding, work: () => T): T {
  const backend = nativeBackend() as unknown as Swapped;
  const { binding: real, move, getInputTensorIds } = backend;
  // The library's properties are read-only: an object that inherits from it would ignore what is set.
  const copy = Object.fromEntries(Object.getOwnPropertyNames(real).map((name) => [name, real[name]]));
  const made = new WeakSet<object>();
  const isForeign = (data: object | undefined) =>
    data !== undefined && !made.has(data) && backend.tensorMap.get(data).values !== null;
  Object.assign(backend, {
    binding: { ...copy, ...binding },
    move(data: object, ...kept: unknown[]) {
      made.add(data);
      move.call(backend, data, ...kept);
    },
    getInputTensorIds: (tensors: Parameters<Swapped['getInputTensorIds']>[0]) =>
      tensors.map((tensor) => (isForeign(tensor.dataId) ? NONE : getInputTensorIds.call(backend, [tensor])[0]!)),
  });
  recording = true;
  try {
    return work();
  } finally {
    Object.assign(backend, { binding: real, move, getInputTensorIds });
    recording = false;
  }
}

/** A tensor of TensorFlow.js for one of the binding's. */
export const tensorOf = (tensor: BindingTensor): tf.Tensor =>
  (nativeBackend() as unknown as { createOutputTensor(tensor: BindingTensor): tf.Tensor }).createOutputTensor(tensor);

/** The binding's handle of a tensor. */
export const handleOf = (tensor: tf.Tensor): number => nativeBackend().getInputTensorIds([tensor])[0]!;

/** A composite of a recorder; undefined where nothing is recorded. See `composite`. */
export function recordedComposite(
  name: string,
  attributes: CompositeAttributes,
  inputs: readonly tf.Tensor[],
  work: (inputs: readonly tf.Tensor[]) => tf.Tensor[],
): tf.Tensor[] | undefined {
  if (!recording) return undefined;
  const { binding } = nativeBackend() as unknown as { binding: RecordingBinding };
  const made = binding.composite(name, attributes, inputs.map(handleOf), (given) =>
    work(given.map(tensorOf)).map(handleOf),
  );
  return made.map(tensorOf);
}

/** The binding's numbers by name: `TF_FLOAT`, `TF_ATTR_INT` and others. */
export const bindingConstants = (): Readonly<Record<string, number>> => nativeBackend().binding;
