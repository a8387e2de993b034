import type { StepBenchOptions } from '../../src/bench/options.js';
import type { ProgramOptions } from '../../src/program/options.js';

/** A training step that is compiled for cards, and the bars that it must keep on an H100. */
export interface CardCase extends Pick<ProgramOptions, 'loadIn8bit' | 'loadIn4bit' | 'attention'> {
  readonly shape: StepBenchOptions['shape'];
  readonly batch: number;
  readonly seq: number;
  readonly gradientCheckpointing?: boolean;
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
const LONG = { ...LARGE, seq: 16_384 } as const;

/** Every step that is compiled, the smallest first. What is not said of attention is a card's default. */
export const CASES: readonly CardCase[] = [
  { ...SMALL, bars: { kernels: 2700, temporary: 13 * GB } },
  { ...SMALL, attention: 'math' },
  { ...SMALL, gradientCheckpointing: true, bars: { temporary: 2.3 * GB } },
  { ...MIDDLE, bars: { temporary: 14.5 * GB } },
  { ...MIDDLE, attention: 'recompute' },
  { ...MIDDLE, attention: 'math' },
  { ...MIDDLE, gradientCheckpointing: true },
  { ...MIDDLE, gradientCheckpointing: true, loadIn8bit: true },
  { ...LARGE, gradientCheckpointing: true },
  { ...LARGE, gradientCheckpointing: true, loadIn8bit: true, bars: { total: 13.5 * GB } },
  { ...LARGE, gradientCheckpointing: true, loadIn4bit: true, bars: { total: 12 * GB } },
  { ...LONG, gradientCheckpointing: true, loadIn4bit: true, bars: { total: 24 * GB } },
];

/** A case in words. */
export const nameOf = ({
  shape,
  batch,
  seq,
  attention,
  gradientCheckpointing,
  loadIn8bit,
  loadIn4bit,
}: CardCase): string =>
  [
    `${shape} ${batch} x ${seq}`,
    ...(attention ? [`attention: ${attention}`] : []),
    ...(gradientCheckpointing ? ['checkpointing'] : []),
    ...(loadIn8bit ? ['8 bits'] : []),
    ...(loadIn4bit ? ['4 bits'] : []),
  ].join(', ');
