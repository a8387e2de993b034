/**
 * Peak memory that `phasetune train --dry-run` tells beforehand, beside what the run then takes by
 * the operating system's own high-water mark. One JSON line a run, and a markdown table for
 * docs/performance.md.
 *
 *     npm run build
 *     npx tsx scripts/bench/memory.ts --model MODEL --data STAGED [--steps 2]
 *
 * MODEL is a model folder (SmolLM2-135M), STAGED a staged folder with long rows enough to fill the lines.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { machine, markdown, phasetune, runWatched } from './measure.js';

const { values: options } = parseArgs({
  options: { model: { type: 'string' }, data: { type: 'string' }, steps: { type: 'string', default: '2' } },
});
if (!options.model || !options.data) throw new Error('--model and --data are needed');

/** What is tried: batches, precisions, and what saves memory. */
const RUNS: readonly (readonly [string, readonly string[]])[] = [
  ['bfloat16, 4 rows per batch', []],
  ['bfloat16, 1 row per batch', ['--batch-rows', '1']],
  ['bfloat16, 16 rows per batch', ['--batch-rows', '16']],
  ['bfloat16, 16 rows in 4 micro-batches', ['--batch-rows', '16', '--micro-batches', '4']],
  ['bfloat16, 16 rows, gradient checkpointing', ['--batch-rows', '16', '--gradient-checkpointing']],
  ['bfloat16, 4 rows, not compiled', ['--compile', 'none']],
  ['bfloat16, 4 rows, weights in 8 bits', ['--load-in-8bit']],
  ['float32, 4 rows per batch', ['--precision', 'float32']],
];

const home = await mkdtemp(join(tmpdir(), 'phasetune-memory-'));
const lines: string[][] = [];
const on = machine();
for (const [what, more] of RUNS) {
  const where = ['--model', options.model, '--data', options.data, '--out', join(home, 'run')];
  const args = ['train', ...where, '--order', 'one-off', '--steps', options.steps, '--json', ...more];
  const { told } = await runWatched(phasetune([...args, '--dry-run']));
  const predicted = (told.memory as { peak: number }).peak / 2 ** 20;
  const { peakMib: measured } = await runWatched(phasetune(args));
  await rm(join(home, 'run'), { recursive: true });
  const off = predicted / measured - 1;
  process.stdout.write(
    `${JSON.stringify({ what, predicted_mib: predicted, measured_mib: measured, off, machine: on })}\n`,
  );
  const percent = `${off < 0 ? '-' : '+'}${Math.abs(100 * off).toFixed(0)} %`;
  lines.push([what, predicted.toFixed(0), measured.toFixed(0), percent]);
}
await rm(home, { recursive: true });
process.stderr.write(`${markdown(['run', '`--dry-run` forecast, MiB', 'measured, MiB', 'off by'], lines)}\n`);
