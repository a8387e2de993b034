import { readFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';

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
export function thisProcessor(): Processor {
  const [, flags = ''] = /^flags\s*:(.*)$/m.exec(cpuInfo()) ?? [];
  return {
    name: cpus()[0]?.model.trim() || 'unknown',
    features: flags
      .split(/\s+/)
      .filter((flag) => FEATURES.test(flag))
      .sort(),
    cores: availableParallelism(),
  };
}

/** Empty where the system has no such file. */
function cpuInfo(): string {
  try {
    return readFileSync('/proc/cpuinfo', 'utf8');
  } catch {
    return '';
  }
}
