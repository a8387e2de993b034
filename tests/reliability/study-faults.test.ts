import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { lastJson, startPhasetune } from '../cli/child.js';
import { nativeOnly } from '../helpers/backend.js';
import { temporaryFolder } from '../helpers/folder.js';
import { ROOT } from '../helpers/program.js';
import { writeTinyModel } from '../helpers/tiny-model.js';

/** A study of which one arm has a learning rate that no model survives; all steps are short. */
async function writeStudyFile(home: string): Promise<string> {
  const model = await writeTinyModel(join(home, 'model'));
  const rows = readFileSync(join(ROOT, 'datasets/demo/raw.jsonl'), 'utf8').split('\n').slice(0, 40);
  const scored = join(home, 'rows.jsonl');
  writeFileSync(scored, rows.map((row, i) => JSON.stringify({ ...JSON.parse(row), score: 1 + (i % 5) })).join('\n'));
  const file = join(home, 'study.yaml');
  const study = {
    base: { model, batchRows: 1, precision: 'float32', compile: 'none', lora: { rank: 2 } },
    data: { scored, stage: { by: 'rows', stages: 2 }, holdout: 6 },
    arms: {
      'one-off': { order: 'one-off' },
      phased: { order: 'phased' },
      wild: { order: 'phased', optim: { learningRate: 1e30 } },
    },
    seeds: 2,
    control: 'one-off',
    budget: 1200,
    executor: { threads: 1 },
  };
  writeFileSync(file, JSON.stringify(study));
  return file;
}

nativeOnly('an arm whose loss always spikes is reported with its reason, and the others are done', async () => {
  const home = temporaryFolder('study-faults');
  const file = await writeStudyFile(home);
  const out = join(home, 'study');
  const { code, err } = await startPhasetune(['ablate', file, '--out', out]).ended;
  expect(code).toBe(1);
  expect(err).toMatch(/\nerror: 2 of 6 cells failed: wild-seed-1, wild-seed-2; /);
  const results = JSON.parse(readFileSync(join(out, 'results.json'), 'utf8'));
  expect(results.missing).toMatchObject([
    {
      ...{ arm: 'wild', planned: 2, missing: 2, reasons: { 'loss spike': 2 } },
      examples: [
        { cell: 'wild-seed-1', failure: 'loss spike', reason: expect.stringMatching(/^stage 1, step \d+: the /) },
      ],
    },
  ]);
  const verdicts = results.comparisons.map(({ arm, verdict }: { arm: string; verdict: string }) => [arm, verdict]);
  expect(new Map(verdicts).get('wild')).toBe('incomplete');
  const status = await startPhasetune(['ablate', 'status', out, '--json']).ended;
  expect(lastJson(status.out)).toMatchObject({ counts: { done: 4, failed: 2 } });
});
