/** What computes: NVIDIA card or processor through the native TensorFlow library, or WebAssembly. */
export type Device = 'cuda' | 'cpu' | 'wasm';

/** A loaded TensorFlow.js backend, already set as the current one. One a process. */
export interface Backend {
  /** Name under which TensorFlow.js knows it; `tensorflow` is the native library. */
  readonly name: 'tensorflow' | 'wasm';
  readonly device: Device;
  /** Version of the native TensorFlow library, or of the WASM backend's package. */
  readonly version: string;
  /** Tensors alive and the bytes they hold, as TensorFlow.js counts them. */
  memory(): { tensors: number; bytes: number };
}
