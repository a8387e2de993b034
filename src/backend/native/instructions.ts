import { readFileSync } from 'node:fs';

/** Instructions of processors that kernels are compiled for. */
interface InstructionSet {
  readonly name: 'amx' | 'avx512' | 'avx2' | 'x86-64';
  /** Flags of /proc/cpuinfo that a processor must have. */
  readonly needs: readonly string[];
  /** Options of the compiler. */
  readonly flags: readonly string[];
}

const AVX2 = { needs: ['avx2', 'fma'], flags: ['-mavx2', '-mfma'] } as const;
const AVX512 = {
  needs: [...AVX2.needs, 'avx512f', 'avx512bw', 'avx512dq', 'avx512vl'],
  flags: [...AVX2.flags, '-mavx512f', '-mavx512bw', '-mavx512dq', '-mavx512vl'],
} as const;

/** From the best to what every processor has. */
const SETS: readonly InstructionSet[] = [
  {
    name: 'amx',
    needs: [...AVX512.needs, 'amx_tile', 'amx_bf16'],
    flags: [...AVX512.flags, '-mamx-tile', '-mamx-bf16'],
  },
  { name: 'avx512', ...AVX512 },
  { name: 'avx2', ...AVX2 },
  { name: 'x86-64', needs: [], flags: [] },
];

/** The instruction sets that a processor with these flags (of /proc/cpuinfo) has, the best one first. */
export function instructionSets(flags: ReadonlySet<string>): readonly InstructionSet[] {
  return SETS.filter(({ needs }) => needs.every((flag) => flags.has(flag)));
}

/** The flags of this machine's processor; none where the system does not say. */
export function processorFlags(): ReadonlySet<string> {
  try {
    const line = /^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? '';
    return new Set(line.trim().split(/\s+/));
  } catch {
    return new Set();
  }
}
