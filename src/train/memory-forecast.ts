/** What a run will take at its peak, in bytes. */
export interface MemoryForecast {
  /** All of it: of the process, or on the card. */
  readonly peak: number;
  /** Weights, adapter and optimizer. */
  readonly variables: number;
  /** Tensors of the call that takes most. */
  readonly tensors: number;
  /**
   * The rest: process and library, the graphs of all entries, what was compiled, what was read from files; on a
   * card what CUDA takes for itself.
   */
  readonly besides: number;
}
