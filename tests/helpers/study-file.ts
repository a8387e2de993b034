import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { StudyEvent } from '../../src/study/events.js';
import type { AblateOptions } from '../../src/study/options.js';
import { prepareStudy } from '../../src/study/prepare.js';
import type { Study } from '../../src/study/study-record.js';
import { temporaryFolder } from './folder.js';

/** Rows of the demo, so many that a step is under 1 % of an epoch. */
const ROWS = readFileSync(new URL('../../datasets/demo/raw.jsonl', import.meta.url), 'utf8')
  .split('\n')
  .slice(0, 400);

/** A folder with `scored.jsonl`, `other.jsonl` (the same rows with other scores) and `study.yaml`. */
export function studyHome(text?: string) {
  const home = temporaryFolder('study');
  const scored = join(home, 'scored.jsonl');
  const other = join(home, 'other.jsonl');
  writeFileSync(scored, `${ROWS.join('\n')}\n`);
  const rescored = ROWS.map((line, i) => JSON.stringify({ ...JSON.parse(line), score: (i * 7) % 400 }));
  writeFileSync(other, `${rescored.join('\n')}\n`);
  const file = join(home, 'study.yaml');
  const write = (changed: string) => writeFileSync(file, changed);
  const standard = studyText(scored);
  write(text ?? standard);
  return { home, scored, other, file, out: join(home, 'out'), text: standard, write };
}

/** Two arms, two seeds, on the tiny model. */
const studyText = (
  scored: string,
): string => `base: { model: models/tiny-llama, epochs: 1, maxLength: 128, batchRows: 2 }
data: { scored: ${scored}, holdout: 40 }
arms:
  one-off: { order: one-off }
  phased: { order: phased }
control: one-off
seeds: 2
`;

/** Prepares a study to the end. */
export async function prepared(options: AblateOptions): Promise<{ study: Study; events: StudyEvent[] }> {
  const events: StudyEvent[] = [];
  const preparing = prepareStudy(options);
  for (;;) {
    const step = await preparing.next();
    if (step.done) return { study: step.value, events };
    events.push(step.value);
  }
}

/** Lets `work` start processes on TypeScript modules, as the sources here are. */
export async function withTypeScript<T>(work: () => Promise<T>): Promise<T> {
  const before = process.execArgv;
  process.execArgv = ['--import', import.meta.resolve('tsx')];
  try {
    return await work();
  } finally {
    process.execArgv = before;
  }
}
