/**
 * How the cost of a step grows with the length of rows, the batch, layers, width and vocabulary:
 * one of them at a time, the others as in SmolLM2-135M with 4 rows of 256 tokens. One JSON line a
 * point, and markdown tables for docs/performance.md.
 *
 *     npm run build
 *     npx tsx scripts/bench/sweep.ts [--only seq,batch] [--dtype bfloat16] [--steps 6]
 */
import { parseArgs } from 'node:util';
import { machine, markdown, measure, project } from './measure.js';

const SWEEPS: Readonly<Record<string, readonly number[]>> = {
  seq: [64, 128, 256, 512, 1024],
  batch: [1, 2, 4, 8, 16],
  layers: [6, 12, 24, 30, 48],
  width: [192, 384, 576, 768, 1152],
  vocab: [2048, 8192, 32768, 49152, 131072],
};

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    shape: { type: 'string', default: 'smollm2-135m' },
    dtype: { type: 'string', default: 'bfloat16' },
    mode: { type: 'string', default: 'captured' },
    steps: { type: 'string', default: '6' },
  },
});
const { only, shape, dtype, mode, steps } = options;
const chosen = only?.split(',') ?? Object.keys(SWEEPS);
const unknown = chosen.filter((name) => !SWEEPS[name]);
if (unknown.length > 0) throw new Error(`--only ${unknown}: there are ${Object.keys(SWEEPS).join(', ')}`);
const on = machine();
const tables: string[] = [];
for (const name of chosen) {
  const lines: string[][] = [];
  for (const value of SWEEPS[name]!) {
    const args = ['--shape', shape, '--dtype', dtype, '--mode', mode, '--steps', steps, `--${name}`, String(value)];
    const figures = await measure(project(['step', ...args]));
    process.stdout.write(`${JSON.stringify({ sweep: name, value, ...figures, machine: on })}\n`);
    const { seconds, tokens_per_s, peak_share, peak_rss_mib, first_step_seconds } = figures as Record<string, number>;
    const share = `${Math.round(100 * peak_share!)} %`;
    lines.push([value, seconds, tokens_per_s, share, peak_rss_mib, first_step_seconds].map(String));
  }
  const heads = [name, 'seconds per step', 'tokens/s', 'of the matrix product', 'peak MiB', 'first step, seconds'];
  tables.push(markdown(heads, lines));
}
process.stderr.write(`${tables.join('\n\n')}\n`);
