import { availableParallelism, cpus } from 'node:os';
import { processorFlags } from './instructions.js';

/** What of a processor decides how fast it multiplies. */
export interface Processor {
  /** As it names itself; of many a virtual machine only the family. */
  readonly name: string;
  /** Its sets of instructions for vectors and matrices, as Linux names them; a virtual machine may hide some. */
  readonly features: readonly string[];
  /** Cores that this process may use. */
  readonly cores: number;
}

const FEATURES = /^(avx|fma|amx|f16c)/;

/** The processor of this machine. */
export const thisProcessor = (): Processor => ({
  name: cpus()[0]?.model.trim() || 'unknown',
  features: [...processorFlags()].filter((flag) => FEATURES.test(flag)).sort(),
  cores: availableParallelism(),
});
