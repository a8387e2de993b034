import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Recipe, recipeSchema } from '../../src/config/recipe.js';
import { resolveStaging, stagingOptionsSchema } from '../../src/curriculum/staging-options.js';
import { stageInto } from '../../src/curriculum/write.js';
import { importOptionsSchema } from '../../src/data/options.js';
import { writeJson } from '../../src/io/atomic.js';
import { writeJsonLines } from '../../src/io/jsonl.js';
import { fingerprintModel } from '../../src/model/fingerprint.js';
import type { Cell } from '../../src/study/cell.js';
import { type StudyFile, studyFileSchema } from '../../src/study/study-file.js';
import { readStudy, type Study, type StudyRecord, studyPaths } from '../../src/study/study-record.js';
import { prepareRun } from '../../src/train/prepare.js';
import { ROOT } from './program.js';
import { writeTinyModel } from './tiny-model.js';

/** What a study of a test is made of. */
export interface StudyParts {
  readonly arms?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly seeds?: readonly number[];
  /** Fields of the study file that are not as usual; nothing waits before it is tried again unless this says so. */
  readonly file?: Readonly<Record<string, unknown>>;
}

/** The name of the one staged set of {@link writeTinyStudy}. */
const SET = 'split-1-3-stages';

const NONE = { seconds: null, memoryBytes: null, diskBytes: null };

/** The record of a study, as far as those who run it read it. */
const studyRecord = (
  file: Pick<StudyFile, 'arms' | 'control'> & Readonly<Record<string, unknown>>,
  models: StudyRecord['inputs']['models'] = {},
): StudyRecord => ({
  schema: 'phasetune/study',
  version: 1,
  created: '2026-11-28T00:00:00.000Z',
  versions: {},
  begunIn: ROOT,
  study: studyFileSchema.parse({ base: {}, ...file }),
  hash: '0'.repeat(64),
  inputs: { data: {}, models },
  analysis: {
    metric: 'held-out loss, all',
    unit: 'nats',
    better: 'lower',
    margin: null,
    alpha: 0.05,
    control: file.control,
    compare: Object.keys(file.arms).filter((arm) => arm !== file.control),
    rules: [],
  },
  budget: 100,
  extended: [],
  forced: [],
});

const cellOf = (index: number, arm: string, seed: number, rest: Pick<Cell, 'recipe' | 'planned' | 'set'>): Cell => ({
  schema: 'phasetune/cell',
  version: 1,
  index,
  id: `${arm}-seed-${seed}`,
  arm,
  axes: {},
  seed,
  split: 1,
  hash: '0'.repeat(64),
  forecast: NONE,
  ...rest,
});

/** Arms and seeds block by block. */
const pairs = (arms: readonly string[], seeds: readonly number[]) =>
  seeds.flatMap((seed) => arms.map((arm) => ({ arm, seed })));

async function write(folder: string, record: StudyRecord, cells: readonly Cell[]): Promise<Study> {
  const paths = studyPaths(folder);
  await writeJsonLines(paths.cells, cells);
  await writeJson(paths.record, record);
  return readStudy(folder);
}

const fileOf = (arms: Readonly<Record<string, unknown>>, seeds: readonly number[], file: StudyParts['file']) => ({
  arms: arms as StudyFile['arms'],
  seeds: [...seeds],
  control: Object.keys(arms)[0]!,
  ...file,
  failures: { retryAfter: [0], ...((file?.failures as object | undefined) ?? {}) },
});

/** A study whose cells are not trained: for jobs that only pretend to. */
export function writeFakeStudy(
  folder: string,
  { arms = { a: {}, b: {} }, seeds = [1, 2], file }: StudyParts = {},
): Promise<Study> {
  const planned = { stages: 1, steps: 1, tokens: 100, trainedTokens: 100 };
  const cells = pairs(Object.keys(arms), seeds).map(({ arm, seed }, i) =>
    cellOf(i + 1, arm, seed, { recipe: {}, planned, set: null }),
  );
  return write(folder, studyRecord(fileOf(arms, seeds, file)), cells);
}

/** Four orders of training. */
const ORDERS = {
  'one-off': { order: 'one-off' },
  phased: { order: 'phased' },
  random: { order: 'random' },
  reversed: { order: 'reversed' },
};

/** A few steps with all that may be cut off in them: checkpoints, measurements, stages. */
const SHORT = {
  batchRows: 4,
  steps: 3,
  saveEvery: 1,
  precision: 'float32',
  compile: 'none',
  lora: { rank: 2 },
} as const;

/** Writes a tiny model and staged rows into `home`, and a study that trains on them into `home/study`. */
export async function writeTinyStudy(
  home: string,
  { arms = ORDERS, seeds = [1, 2], file, base = {} }: StudyParts & { readonly base?: Partial<Recipe> } = {},
): Promise<Study> {
  const folder = join(home, 'study');
  const model = await writeTinyModel(join(home, 'model'));
  const lines = (await readFile(join(ROOT, 'datasets/demo/raw.jsonl'), 'utf8')).split('\n').slice(0, 40);
  await writeFile(join(home, 'rows.jsonl'), lines.join('\n'));
  const input = { path: join(home, 'rows.jsonl'), import: importOptionsSchema.parse({}) };
  const staging = resolveStaging(stagingOptionsSchema.parse({ stages: 3, by: 'rows', holdout: 6, nearDuplicates: 0 }));
  const rows = lines.map((line) => JSON.parse(line));
  await stageInto(studyPaths(folder).staged(SET), rows, staging, input);
  const cells: Cell[] = [];
  for (const { arm, seed } of pairs(Object.keys(arms), seeds)) {
    const id = `${arm}-seed-${seed}`;
    const paths = { model, data: `staged/${SET}`, out: `cells/${id}/run` };
    const recipe = recipeSchema.parse({ ...SHORT, ...base, ...arms[arm], seed, ...paths });
    const { plan, model: opened } = await prepareRun({ ...recipe, data: join(folder, recipe.data) });
    await opened.close();
    const sum = (of: 'steps' | 'tokens' | 'trainedTokens') =>
      plan.stages.reduce((n, { summary }) => n + summary[of], 0);
    const planned = { stages: plan.stages.length, steps: sum('steps'), tokens: sum('tokens') };
    cells.push(
      cellOf(cells.length + 1, arm, seed, {
        recipe,
        set: SET,
        planned: { ...planned, trainedTokens: sum('trainedTokens') },
      }),
    );
  }
  return write(folder, studyRecord(fileOf(arms, seeds, file), { [model]: await fingerprintModel(model) }), cells);
}
