/** Types in which products can be computed. */
export const PRECISIONS = ['bfloat16', 'float32'] as const;

/** Type in which products are computed and frozen matrices are held. */
export type Precision = (typeof PRECISIONS)[number];

/**
 * How much of an entry's graph XLA compiles: nothing, the operations between products into loops, or all of it into one
 * program with the products in it.
 */
export type Compile = 'none' | 'parts' | 'whole';

/**
 * How causal attention is worked out: `math` keeps every layer's probabilities for the gradient, `recompute` works
 * them out again, `flash` is a card's own op for it, cuDNN's.
 */
export type Attention = 'math' | 'recompute' | 'flash';

/** Shape of each input of an entry. */
export type InputShapes = Readonly<Record<string, readonly number[]>>;

/** How entries run. */
export interface CompileOptions {
  /** `captured`: recorded and run as one TensorFlow graph; `eager`: op by op, the reference, in float32 only. */
  readonly mode: 'captured' | 'eager';
  readonly precision: Precision;
  /**
   * Holds frozen matrices that allow it in bfloat16 where `precision` is float32; they are widened at each use, which
   * is exact. Captured programs only; off by default.
   */
  readonly loadIn16bit?: boolean;
  /**
   * Holds frozen matrices that allow it in 8 bits; they are widened to `precision` at each use.
   * Captured programs only; off by default.
   */
  readonly loadIn8bit?: boolean;
  /**
   * Holds them in 4 bits, as NF4 with double quantization; excludes `loadIn8bit`. Captured programs
   * only; off by default.
   */
  readonly loadIn4bit?: boolean;
  /** What XLA compiles. Captured programs only; `none` by default. */
  readonly compile?: Compile;
  /**
   * What entries that were written for attention without probabilities are given for it: the
   * device's own op with `flash`, where an entry is compiled whole in bfloat16, and otherwise the
   * ops that it stands for. Default `recompute`.
   */
  readonly attention?: Attention;
  /**
   * Puts phasetune's own kernels, which are compiled with the binding, in the place of what they
   * compute: on a processor. Captured programs only; off by default.
   */
  readonly kernels?: boolean;
  /** Is given what the user should know of how the program runs otherwise than these options say, once each. */
  readonly warn?: ((message: string) => void) | undefined;
  /**
   * Shapes that entries will be run with, where they have inputs whose shape varies; other shapes
   * are added to the graph when they come.
   */
  readonly shapes?: Readonly<Record<string, readonly InputShapes[]>>;
}
