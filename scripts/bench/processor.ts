import { processorFlags } from '../../src/backend/native/instructions.js';

/** Kinds of processor by the instructions that products can use, the best first, with the flags of Linux for each. */
const KINDS = [
  ['AMX', ['amx_tile', 'amx_bf16']],
  ['AVX512-BF16', ['avx512_bf16']],
  ['AVX512', ['avx512f']],
  ['AVX2', ['avx2']],
] as const;

/** The kind of a processor by its flags, of this machine by default; `other` where none is known. */
export function processorKind(flags: ReadonlySet<string> = processorFlags()): string {
  return KINDS.find(([, needed]) => needed.every((flag) => flags.has(flag)))?.[0] ?? 'other';
}

/**
 * Processors that can be imitated, by the value of ONEDNN_MAX_CPU_ISA: the library for products, which TensorFlow and
 * PyTorch have both, then uses no newer instructions. What XLA and PyTorch's own compiler write, and PyTorch's float32
 * products, which are MKL's, need none of the instructions that are taken away.
 */
export const EMULATED: Readonly<Record<string, string>> = { avx512_core_bf16: 'AVX512-BF16', avx512_core: 'AVX512' };

/** Variables of the environment that make both sides compute as on another processor. */
export const emulation = (isa: string | undefined): Record<string, string> => {
  if (isa === undefined) return {};
  if (!(isa in EMULATED)) throw new Error(`--emulate ${isa}: there are ${Object.keys(EMULATED).join(', ')}`);
  return { ONEDNN_MAX_CPU_ISA: isa.toUpperCase() };
};
