import type { StepBenchOptions } from '../../src/bench/options.js';

/** A training step that is compiled for cards, and the bars that it must keep on an H100. */
export interface CardCase {
  readonly shape: StepBenchOptions['shape'];
  readonly batch: number;
  readonly seq: number;
  readonly gradientCheckpointing?: boolean;
  readonly loadIn8bit?: boolean;
  readonly bars?: {
    readonly kernels?: number;
    /** Bytes of temporary memory. */
    readonly temporary?: number;
    /** Bytes of arguments and temporary memory together. */
    readonly total?: number;
  };
}

const GB = 1e9;

const SMALL = { shape: 'smollm2-135m', batch: 32, seq: 512 } as const;
const MIDDLE = { shape: 'tinyllama-1.1b', batch: 8, seq: 1024 } as const;
const LARGE = { shape: 'llama-3-8b', batch: 1, seq: 4096 } as const;

/** Every step that is compiled, the smallest first. */
export const CASES: readonly CardCase[] = [
  { ...SMALL, bars: { kernels: 2700, temporary: 13 * GB } },
  { ...SMALL, gradientCheckpointing: true, bars: { temporary: 2.3 * GB } },
  { ...MIDDLE, bars: { temporary: 14.5 * GB } },
  { ...MIDDLE, gradientCheckpointing: true },
  { ...MIDDLE, loadIn8bit: true, gradientCheckpointing: true },
  { ...LARGE, gradientCheckpointing: true },
  { ...LARGE, loadIn8bit: true, gradientCheckpointing: true, bars: { total: 13.5 * GB } },
];

/** A case in words. */
export const nameOf = ({ shape, batch, seq, gradientCheckpointing, loadIn8bit }: CardCase): string =>
  [
    `${shape} ${batch} x ${seq}`,
    ...(loadIn8bit ? ['in 8 bits'] : []),
    ...(gradientCheckpointing ? ['checkpointing'] : []),
  ].join(', ');
