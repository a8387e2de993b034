import { isNative } from '../backend/raw/native-op.js';
import { capturedProgram } from './captured/captured.js';
import type { CompileOptions } from './compile-options.js';
import { eagerProgram } from './eager.js';
import type { Program, ProgramSpec } from './program.js';

/** Makes a program of its spec on the current backend. Throws a RangeError where the mode cannot do what is asked. */
export async function compile(spec: ProgramSpec, options: CompileOptions): Promise<Program> {
  return untilDisposed(make(spec, options));
}

function make(spec: ProgramSpec, options: CompileOptions): Program {
  if (options.mode === 'captured') {
    if (!isNative()) throw new RangeError('a captured program needs the native TensorFlow library');
    return capturedProgram(spec, options);
  }
  if (options.precision !== 'float32') throw new RangeError('an eager program computes in float32 only');
  if (options.loadIn16bit) throw new RangeError('an eager program cannot keep weights in 16 bits');
  if (options.loadIn8bit) throw new RangeError('an eager program cannot keep weights in 8 bits');
  if (options.loadIn4bit) throw new RangeError('an eager program cannot keep weights in 4 bits');
  return eagerProgram(spec);
}

/** The same program, which throws when it is used after `dispose`: it would start again, with zeros. */
function untilDisposed(program: Program): Program {
  let disposed = false;
  const check = (): void => {
    if (disposed) throw new Error('this program was disposed of: it has no variables any more');
  };
  return {
    ...program,
    async run(...given) {
      check();
      return program.run(...given);
    },
    async read(names) {
      check();
      return program.read(names);
    },
    write(values) {
      check();
      program.write(values);
    },
    async load(values) {
      check();
      await program.load(values);
    },
    dispose() {
      disposed = true;
      program.dispose();
    },
  };
}
