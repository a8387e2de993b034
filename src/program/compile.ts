import { isNative } from '../backend/raw/native-op.js';
import { capturedProgram } from './captured/captured.js';
import { eagerProgram } from './eager.js';
import type { Program, ProgramSpec } from './program.js';

/** Type in which products are computed and frozen matrices are held. */
export type Precision = 'float32' | 'bfloat16';

/** Shape of each input of an entry. */
export type InputShapes = Readonly<Record<string, readonly number[]>>;

/** How entries run. */
export interface CompileOptions {
  /** `captured`: recorded and run as one TensorFlow graph; `eager`: op by op, the reference, in float32 only. */
  readonly mode: 'captured' | 'eager';
  readonly precision: Precision;
  /** Compiles what is not a product into loops of its own, by XLA. Captured programs only; off by default. */
  readonly fuse?: boolean;
  /** Shapes that entries will be run with, where they have inputs whose shape varies; see {@link capturedProgram}. */
  readonly shapes?: Readonly<Record<string, readonly InputShapes[]>>;
}

const CAPTURED = false;

/** What is used unless said otherwise: the recorded graph in bfloat16 where the library is native, eager float32 on WASM. */
export const defaultCompile = (): Pick<CompileOptions, 'mode' | 'precision'> =>
  isNative() && CAPTURED ? { mode: 'captured', precision: 'bfloat16' } : { mode: 'eager', precision: 'float32' };

/**
 * Makes a program of its spec on the current backend. Throws a usage error for what the backend or the mode cannot do.
 */
export async function compile(spec: ProgramSpec, options: CompileOptions = defaultCompile()): Promise<Program> {
  if (options.mode === 'captured') return capturedProgram(spec, options);
  return eagerProgram(spec);
}
