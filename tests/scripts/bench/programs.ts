import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FloatType, Programs, Settings } from '../../../scripts/bench/contests.js';
import type { Figures } from '../../../scripts/bench/measure.js';
import type { Outcome, Runs } from '../../../scripts/bench/runs.js';

/** Settings as the program has them by default. */
export const SETTINGS: Settings = {
  python: '/home/somebody/peers/bin/python',
  precision: undefined,
  shape: 'smollm2-135m',
  batch: '4',
  seq: '256',
  tokenizer: '/home/somebody/models/SmolLM2',
  data: '/home/somebody/rows.jsonl',
  rows: '96',
  more: '1000',
  few: '100',
  many: '10000',
  answers: '16',
  prompt: '64',
  tokens: '128',
};

/** Speeds of the peer's products on a processor with AMX. */
const AMX = { bfloat16: 1500, float32: 380 };

/**
 * Writes a program that prints what it was called with and what its environment caps, and makes jobs of it. The peer's
 * products reach these GFLOP/s.
 */
export function fakePrograms(folder: string, gflops: Readonly<Record<FloatType, number>> = AMX): Programs {
  const script = join(folder, 'fake.cjs');
  writeFileSync(
    script,
    `console.log('not the last line');
    const { ONEDNN_MAX_CPU_ISA: isa = null } = process.env;
    const called = process.argv.slice(2).join(' ');
    const type = /products.py --dtype (\\w+)/.exec(called)?.[1];
    const gflops = ${JSON.stringify(gflops)}[type];
    console.log(JSON.stringify({ called, isa, gflops, folder: __dirname }));`,
  );
  const job = (...args: string[]) => ({ program: process.execPath, args: [script, ...args] });
  return { project: (args) => job('phasetune', ...args), peer: (_, name, args) => job(name, ...args) };
}

/** Figures of a run, which nothing else disturbed. */
export const run = (figures: Record<string, unknown>): Figures => ({ ...figures, load_before: 0.1 });

/** Runs of a choice, by one figure of each. */
export const runsOf = (
  name: string,
  key: string,
  values: readonly number[],
  also: Record<string, unknown> = {},
): Runs => ({
  name,
  command: name,
  runs: values.map((value) => run({ [key]: value, ...also })),
});

/** A machine whose products reach these GFLOP/s, and a read these GB/s. */
export const machineOf = (bfloat16: number, float32: number, read: number): Outcome => ({
  what: 'machine',
  project: [
    runsOf('bfloat16', 'gflops', [bfloat16]),
    runsOf('float32', 'gflops', [float32]),
    runsOf('read', 'gbps', [read]),
  ],
  peers: [],
});
