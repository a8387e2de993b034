import { eagerProgram } from './eager.js';
import type { Program, ProgramSpec } from './program.js';

/** How entries run: `eager` op by op. */
export interface CompileOptions {
  readonly mode: 'eager';
  /** Precision of the products. */
  readonly precision: 'float32';
}

/** Makes a program of its spec on the current backend. Asynchronous because other modes build and load a graph. */
export async function compile(
  spec: ProgramSpec,
  options: CompileOptions = { mode: 'eager', precision: 'float32' },
): Promise<Program> {
  switch (options.mode) {
    case 'eager':
      return eagerProgram(spec);
  }
}
