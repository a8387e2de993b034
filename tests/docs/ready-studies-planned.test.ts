import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { random } from '../../src/core/random.js';
import { temporaryFolder } from '../helpers/folder.js';
import { ROOT } from '../helpers/program.js';
import { prepared } from '../helpers/study-file.js';

const FOLDER = join(ROOT, 'docs/studies');
const NAMES = readdirSync(FOLDER).filter((name) => name.endsWith('.yaml') && name !== 'tiny.yaml');

let home: string;

/** Rows of the demo under the names of a study's files, each with other scores from 1 to 5; and its models. */
beforeAll(() => {
  home = temporaryFolder('ready-studies');
  const rows = readFileSync(join(ROOT, 'datasets/demo/raw.jsonl'), 'utf8').trimEnd().split('\n').slice(0, 400);
  for (const name of ['judge', 'ifd', 'length', 'people', 'alpaca', 'dolly', 'oasst']) {
    const rng = random(1, name);
    const scored = rows.map((line) => JSON.stringify({ ...JSON.parse(line), score: 1 + rng.integer(401) / 100 }));
    writeFileSync(join(home, `${name}.jsonl`), `${scored.join('\n')}\n`);
  }
  for (const model of ['135M', '360M', '1.7B'])
    cpSync(join(ROOT, 'models/tiny-llama'), join(home, `SmolLM2-${model}-Instruct`), { recursive: true });
});

test.each(NAMES)('%s is planned over made-up rows, with trained tokens within 1 %', async (name) => {
  const text = readFileSync(join(FOLDER, name), 'utf8')
    .replaceAll('datasets/scored/', `${home}/`)
    .replaceAll('models/', `${home}/`)
    // One seed, and as much as the rows allow.
    .replace('seeds: 8', 'seeds: 1')
    .replace('holdout: 300', 'holdout: 60')
    .replace('epochs: 3', 'epochs: 1')
    .replace('accumulate: 4', 'accumulate: 1')
    .replace('batchRows: 4', 'batchRows: 1');
  const file = join(home, name);
  writeFileSync(file, text);
  const { study } = await prepared({ file, out: join(home, name.replace('.yaml', '')) });
  const stages = new Map(study.cells.map(({ arm, planned }) => [arm, planned.stages]));
  for (const [arm, count] of stages)
    expect(count).toBe(arm === 'one-off' ? 1 : Number(/-([2-6])$/.exec(arm)?.[1] ?? 3));
  for (const { planned } of study.cells)
    expect(Math.abs(planned.trainedTokens / study.record.budget - 1)).toBeLessThan(0.01);
});
