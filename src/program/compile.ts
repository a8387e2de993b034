import { isNative } from '../backend/raw/native-op.js';
import { capturedProgram } from './captured/captured.js';
import type { CompileOptions } from './compile-options.js';
import { eagerProgram } from './eager.js';
import type { Program, ProgramSpec } from './program.js';

/** Makes a program of its spec on the current backend. Throws a RangeError where the mode cannot do what is asked. */
export async function compile(spec: ProgramSpec, options: CompileOptions): Promise<Program> {
  if (options.mode === 'captured') {
    if (!isNative()) throw new RangeError('a captured program needs the native TensorFlow library');
    return capturedProgram(spec, options);
  }
  if (options.precision !== 'float32') throw new RangeError('an eager program computes in float32 only');
  return eagerProgram(spec);
}
