import { describe, expect, it } from 'vitest';
import { emulation, processorKind } from '../../../scripts/bench/processor.js';

const kindOf = (flags: string): string => processorKind(new Set(flags.split(' ')));

describe('the kind of a processor', () => {
  it('is the best that its flags allow', () => {
    expect(kindOf(' fpu avx avx2 avx512f avx512_bf16 amx_bf16 avx512_fp16 amx_tile amx_int8')).toBe('AMX');
    expect(kindOf(' fpu avx avx2 avx512f avx512_bf16 avx512_vnni')).toBe('AVX512-BF16');
    expect(kindOf(' fpu avx avx2 avx512f avx512_vnni')).toBe('AVX512');
    expect(kindOf(' fpu avx avx2 fma')).toBe('AVX2');
    expect(kindOf('')).toBe('other');
  });

  it('is not AMX where only tiles of integers are there', () => {
    expect(kindOf('avx2 avx512f amx_tile amx_int8')).toBe('AVX512');
  });
});

describe('emulation', () => {
  it('is a variable that both sides read', () => {
    expect(emulation('avx512_core_bf16')).toEqual({ ONEDNN_MAX_CPU_ISA: 'AVX512_CORE_BF16' });
    expect(emulation(undefined)).toEqual({});
  });

  it('refuses what it cannot do for both sides', () => {
    expect(() => emulation('avx2')).toThrow('--emulate avx2: there are avx512_core_bf16, avx512_core');
  });
});
