/**
 * Compares a run of three stages with the same plan trained by TRL, number by number, on the processor in float32. The
 * exit code is 1 where a number is over its limit.
 *
 *     PHASETUNE_TRL_PYTHON=.venv/bin/python npx tsx scripts/handover/trl-parity.ts --model DIR [--rows FILE]
 *         [--steps 20] [--learning-rate 2e-4] [--keep DIR]
 *
 * With `--keep` everything stays in DIR, and a comparison that was cut off continues there.
 */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { exists } from '../../src/io/files.js';
import { stage } from '../../src/workflow/stage.js';
import { compareWithTrl, removeParity } from './parity.js';

const { values: given } = parseArgs({
  options: {
    model: { type: 'string', default: 'models/tiny-llama' },
    rows: { type: 'string', default: 'datasets/demo/raw.jsonl' },
    steps: { type: 'string', default: '20' },
    'learning-rate': { type: 'string', default: '2e-4' },
    keep: { type: 'string' },
  },
});
const python = process.env.PHASETUNE_TRL_PYTHON;
if (!python) throw new Error('set PHASETUNE_TRL_PYTHON to a Python with TRL, as .ci/run does');
const folder = given.keep ?? (await mkdtemp(join(tmpdir(), 'trl-parity-')));
const begin = performance.now();
try {
  const data = join(folder, 'staged');
  if (!exists(data)) await stage({ file: given.rows, out: data, stages: 3, holdout: 20 });
  const onProgress = (line: string) => console.error(`${((performance.now() - begin) / 1000).toFixed(0)} s: ${line}`);
  const compared = await compareWithTrl({
    python,
    model: given.model,
    data,
    folder,
    steps: Number(given.steps),
    learningRate: Number(given['learning-rate']),
    onProgress,
  });
  for (const { what, found, limit } of compared)
    console.log(`${found <= limit ? 'ok  ' : 'OVER'} ${what}: ${found.toPrecision(3)} (limit ${limit})`);
  if (compared.some(({ found, limit }) => !(found <= limit))) process.exitCode = 1;
} finally {
  if (given.keep === undefined) await removeParity(folder);
}
