import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { random } from '../../src/core/random.js';
import { hashFile } from '../../src/io/files.js';
import { analysisOf } from '../../src/study/analysis.js';
import type { Cell } from '../../src/study/cell.js';
import { cellStates } from '../../src/study/cell-states.js';
import { resultsOf } from '../../src/study/results/results-of.js';
import { writeResults } from '../../src/study/results/write.js';
import { type StudyFile, studyFileSchema } from '../../src/study/study-file.js';
import { type Study, studyPaths } from '../../src/study/study-record.js';
import type { RunFile } from '../../src/train/run-file.js';
import { BANDS, type MadeUpRun, trainedTokensOf, writeLines, writeMadeUpRun } from './made-up-run.js';

/** An arm of a study that never took place. */
export interface MadeUpArm {
  readonly order: RunFile['order'];
  readonly stages: number;
  /** How far it is from the control: nats per token. */
  readonly effect: number;
  /** Options that the study file gives it. */
  readonly overrides?: Readonly<Record<string, unknown>>;
}

/** What such a study is made of; the first arm is the control. */
export interface MadeUpStudy {
  readonly arms: Readonly<Record<string, MadeUpArm>>;
  readonly seeds: number;
  readonly steps: number;
  /** An axis and the names of its values. */
  readonly axis?: readonly [name: string, values: readonly string[]];
  /** Fields of the study file that are not as usual. */
  readonly file?: Readonly<Record<string, unknown>>;
  /** What is not as usual with the run of a cell; `undefined` for a cell that has not begun. */
  readonly run?: (cell: Cell, run: MadeUpRun) => MadeUpRun | undefined;
}

const HASH = createHash('sha256').update('a study').digest('hex');
const SET = 'split-1-3-stages';

const block = (id: string, seed: number, arm: string, value: string | undefined, rest: Pick<Cell, 'index'>) => ({
  ...rest,
  id,
  arm,
  axes: value === undefined ? {} : { [value.split('=')[0]!]: value.split('=')[1]! },
  seed,
  split: 1,
});

function cellsOf({ arms, seeds, steps, axis }: MadeUpStudy): Cell[] {
  const values = axis ? axis[1].map((value) => `${axis[0]}=${value}`) : [undefined];
  const cells: Cell[] = [];
  for (let seed = 1; seed <= seeds; seed++)
    for (const value of values)
      for (const [arm, { stages }] of Object.entries(arms)) {
        const id = [value?.split('=')[1], arm, `seed-${seed}`].filter((part) => part !== undefined).join('-');
        cells.push({
          schema: 'phasetune/cell',
          version: 1,
          ...block(id, seed, arm, value, { index: cells.length + 1 }),
          set: SET,
          recipe: { model: 'models/small', data: `staged/${SET}`, order: arms[arm]!.order, seed },
          hash: HASH,
          planned: { stages, steps, tokens: 1000 * steps, trainedTokens: trainedTokensOf(steps) },
          forecast: { seconds: null, memoryBytes: null, diskBytes: null },
        });
      }
  return cells;
}

/** Writes the held-out rows of the set that all cells train on. */
async function writeSet(folder: string, rows: number): Promise<void> {
  const staged = studyPaths(folder).staged(SET);
  const holdout = join(staged, 'holdout.jsonl');
  const { integer } = random(1, 'made-up rows');
  writeLines(
    holdout,
    Array.from({ length: BANDS * rows }, (_, row) => ({
      id: `row-${row}`,
      stage: 1 + (row % BANDS),
      messages: [
        { role: 'user', content: Array.from({ length: 12 }, () => `word${integer(10_000)}`).join(' ') },
        { role: 'assistant', content: 'An answer.' },
      ],
    })),
  );
  const counted = { file: 'holdout.jsonl', rows: BANDS * rows, sha256: await hashFile(holdout) };
  const stages = [{ index: 1, file: 'stage-1.jsonl', rows: 0, sha256: HASH }];
  writeLines(join(staged, 'manifest.json'), [{ version: 1, stages, holdout: counted }]);
}

/** Writes the folder of a study that never took place, its results too where all cells are settled. */
export async function writeMadeUpStudy(folder: string, study: MadeUpStudy): Promise<Study> {
  const cells = cellsOf(study);
  const paths = studyPaths(folder);
  const written: Study = { folder, record: recordOf(study), cells };
  await writeSet(folder, 10);
  for (const cell of cells) writeCell(folder, cell, study);
  writeLines(paths.cells, cells);
  writeLines(paths.record, [written.record]);
  const states = await cellStates(written);
  if (states.every(({ state }) => state === 'done' || state === 'failed'))
    await writeResults(folder, await resultsOf(written, { states, winRates: { values: new Map(), problems: [] } }));
  return written;
}

function recordOf({ arms, seeds, axis, file }: MadeUpStudy): Study['record'] {
  const names = Object.keys(arms);
  const study: StudyFile = studyFileSchema.parse({
    base: { model: 'models/small' },
    data: { scored: 'scored.jsonl' },
    arms: Object.fromEntries(Object.entries(arms).map(([arm, { order, overrides }]) => [arm, { order, ...overrides }])),
    ...(axis && { axes: { [axis[0]]: Object.fromEntries(axis[1].map((value) => [value, `models/${value}`])) } }),
    seeds: Array.from({ length: seeds }, (_, i) => i + 1),
    control: names[0],
    compare: names.slice(1),
    metric: { 'held-out': 'all', margin: 0.01 },
    ...file,
  });
  return {
    schema: 'phasetune/study',
    version: 1,
    created: '2026-01-01T00:00:00.000Z',
    versions: { phasetune: '0.1.0', node: 'v20.20.2' },
    begunIn: '/home/ann',
    study,
    hash: HASH,
    inputs: { data: { 'scored.jsonl': HASH }, models: { 'models/small': { 'model.safetensors': `sha256:${HASH}` } } },
    analysis: analysisOf(study),
    budget: 24_000,
    extended: [],
    forced: [],
  };
}

function writeCell(folder: string, cell: Cell, { arms, steps, run: change = (_, run) => run }: MadeUpStudy): void {
  const paths = studyPaths(folder);
  const { order, stages, effect } = arms[cell.arm]!;
  const { normal } = random(cell.seed, cell.id);
  const block = random(cell.seed, 'block').normal();
  const usual = { seed: cell.seed, order, stages, steps, loss: 2 + effect + 0.004 * block + 0.002 * normal() };
  const run = change(cell, usual);
  if (!run) return;
  const { status } = writeMadeUpRun(paths.run(cell.id), run);
  const [begin, end] = ['2026-01-01T00:00:00.000Z', '2026-01-01T01:00:00.000Z'];
  const outcome = status === 'done' ? { code: 0, outcome: 'done' } : { code: 130, outcome: 'interrupted' };
  writeLines(paths.attempts(cell.id), [
    { event: 'begin', attempt: 1, time: begin, executor: 'local', host: 'host-1' },
    { event: 'end', attempt: 1, time: end, signal: null, ...outcome },
  ]);
}
