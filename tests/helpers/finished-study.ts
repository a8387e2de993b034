import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { jsonText } from '../../src/core/json-text.js';
import { random } from '../../src/core/random.js';
import { hashFile } from '../../src/io/files.js';
import { analysisOf } from '../../src/study/analysis.js';
import type { Cell } from '../../src/study/cell.js';
import type { CellState } from '../../src/study/state.js';
import { type StudyFile, studyFileSchema } from '../../src/study/study-file.js';
import { type Study, studyPaths } from '../../src/study/study-record.js';
import type { RunFile } from '../../src/train/run-file.js';
import { temporaryFolder } from './folder.js';

/** What a study of {@link finishedStudy} is made of. */
export interface FinishedStudy {
  readonly arms: readonly string[];
  readonly seeds: number;
  readonly splits?: number;
  /** Values of an axis, `model` unless it is named. */
  readonly values?: readonly string[];
  readonly axis?: string;
  /** Held-out rows of each split. */
  readonly rows?: number;
  readonly study?: Partial<Pick<StudyFile, 'metric' | 'alpha' | 'compare'>>;
  /** Loss of a row in the end, in nats a token; the base has 3. */
  readonly loss: (cell: Cell, row: number) => number;
  /** State of a cell [done]. */
  readonly state?: (cell: Cell) => CellState;
  /** Another engine that trained a cell. */
  readonly engine?: (cell: Cell) => string | undefined;
  /** Whether losses of rows are kept [true]. */
  readonly rowLosses?: boolean;
}

/** Trained tokens of a held-out row. */
export const tokensOf = (row: number): number => 10 + (row % 7);
/** Band of a row by the cut of the control, of three stages. */
export const bandOf = (row: number): number => 1 + (row % 3);
/** Rows 0 and 3 ask the same; all others nothing similar. */
const questionOf = (row: number): string => {
  const { integer } = random(row === 3 ? 0 : row, 'question');
  return Array.from({ length: 12 }, () => `word${integer(10_000)}`).join(' ');
};
/** Stages of every run. */
const STAGES = 2;

const HASH = '0'.repeat(64);

/** A study's folder with the files that its done cells leave; the first arm is the control. */
export async function finishedStudy(options: FinishedStudy): Promise<{ study: Study; states: CellState[] }> {
  const {
    arms,
    seeds,
    splits = 1,
    values = [],
    axis = 'model',
    rows = 12,
    state = () => ({ state: 'done' }),
  } = options;
  const folder = temporaryFolder('finished-study');
  const cells = cellsOf(arms, seeds, splits, { axis, values });
  const study: Study = { folder, record: recordOf(options), cells };
  for (let split = 1; split <= splits; split++)
    await writeHoldout(studyPaths(folder).staged(`split-${split}`), split, rows);
  const states = cells.map(state);
  for (const [i, cell] of cells.entries()) if (states[i]!.state === 'done') writeRun(folder, cell, rows, options);
  writeLines(studyPaths(folder).record, [study.record]);
  writeLines(studyPaths(folder).cells, cells);
  return { study, states };
}

/** Writes JSON a line, without waiting for the disk. */
function writeLines(path: string, lines: readonly unknown[]): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, lines.map((line) => `${jsonText(line)}\n`).join(''));
}

/** A staged folder of which only the held-out rows are there. */
async function writeHoldout(folder: string, split: number, rows: number): Promise<void> {
  const path = join(folder, 'holdout.jsonl');
  writeLines(
    path,
    Array.from({ length: rows }, (_, row) => ({
      id: `${split}-${row}`,
      stage: bandOf(row),
      messages: [
        { role: 'user', content: questionOf(row) },
        { role: 'assistant', content: 'An answer.' },
      ],
    })),
  );
  writeLines(join(folder, 'manifest.json'), [
    {
      version: 1,
      stages: [{ index: 1, file: 'stage-1.jsonl', rows: 0, sha256: HASH }],
      holdout: { file: 'holdout.jsonl', rows, sha256: await hashFile(path) },
    },
  ]);
}

function cellsOf(
  arms: readonly string[],
  seeds: number,
  splits: number,
  { axis, values }: { axis: string; values: readonly string[] },
): Cell[] {
  const cells: Cell[] = [];
  for (let split = 1; split <= splits; split++)
    for (let seed = 1; seed <= seeds; seed++)
      for (const value of values.length > 0 ? values : [undefined])
        for (const arm of arms)
          cells.push({
            schema: 'phasetune/cell',
            version: 1,
            index: cells.length + 1,
            id: [value, arm, `seed-${seed}`, `split-${split}`].filter((part) => part !== undefined).join('-'),
            arm,
            axes: value === undefined ? {} : { [axis]: value },
            seed,
            split,
            set: `split-${split}`,
            recipe: { data: `staged/split-${split}` },
            hash: HASH,
            planned: { stages: STAGES, steps: 4, tokens: 2000, trainedTokens: 1000 },
            forecast: { seconds: null, memoryBytes: null, diskBytes: null },
          });
  return cells;
}

function recordOf({ arms, seeds, splits = 1, study: changes, values, axis = 'model' }: FinishedStudy): Study['record'] {
  const study: StudyFile = studyFileSchema.parse({
    base: { model: 'model' },
    data: { scored: 'scored.jsonl', splits },
    arms: Object.fromEntries(arms.map((arm) => [arm, {}])),
    seeds,
    ...(values && { axes: { [axis]: Object.fromEntries(values.map((value) => [value, value])) } }),
    control: arms[0],
    compare: arms.slice(1),
    ...changes,
  });
  return {
    schema: 'phasetune/study',
    version: 1,
    created: '2026-01-01T00:00:00.000Z',
    versions: {},
    begunIn: '/',
    study,
    hash: HASH,
    inputs: { data: {}, models: {} },
    analysis: analysisOf(study),
    budget: 1000,
    extended: [],
    forced: [],
  };
}

function writeRun(folder: string, cell: Cell, rows: number, { loss, rowLosses = true, engine }: FinishedStudy) {
  const other = engine?.(cell);
  const run = studyPaths(folder).run(cell.id);
  const indices = Array.from({ length: rows }, (_, row) => row);
  const lossAfter = (stage: number, row: number) => (stage === 0 ? 3 : loss(cell, row) + (STAGES - stage) * 0.5);
  const meanOf = (stage: number, some: readonly number[]) =>
    some.reduce((sum, row) => sum + tokensOf(row) * lossAfter(stage, row), 0) /
    some.reduce((sum, row) => sum + tokensOf(row), 0);
  const inBand = (band: number) => indices.filter((row) => bandOf(row) === band);
  const after = Array.from({ length: STAGES + 1 }, (_, stage) => stage);
  if (rowLosses)
    for (const stage of after)
      writeLines(
        join(run, `stage-${stage}`, 'held-out.jsonl'),
        indices.map((row) => ({
          id: `${cell.split}-${row}`,
          // Its own set may be cut otherwise.
          band: 1 + (row % 2),
          nats: tokensOf(row) * lossAfter(stage, row),
          tokens: tokensOf(row),
        })),
      );
  const stages = after.slice(1).map((stage) => ({
    stage,
    label: `stage ${stage}`,
    rows: 10,
    replayed: 0,
    steps: 2,
    tokens: 1000,
    trainedTokens: 500,
    paddedTokens: 0,
    plan: HASH,
    planned: { rows: 10, sha256: HASH },
  }));
  const file: RunFile = {
    schema: 'phasetune/run',
    version: 2,
    status: 'done',
    started: '2026-01-01T00:00:00.000Z',
    versions: {},
    recipe: {},
    order: 'phased',
    seed: cell.seed,
    inputs: { model: { path: 'model', files: {} }, data: { path: 'data', manifest: HASH } },
    ...(other !== undefined && {
      trainedBy: {
        engine: other,
        ...{ versions: {}, processes: 1, precision: 'bfloat16', differences: [], notKnown: [] },
      },
    }),
    stages,
    matrix: {
      bands: [1, 2, 3].map((stage) => ({ stage, rows: inBand(stage).length, tokens: 100 })),
      rows: after.map((stage) => ({
        after: stage,
        losses: [1, 2, 3].map((band) => meanOf(stage, inBand(band))),
        all: meanOf(stage, indices),
      })),
    },
  };
  writeLines(join(run, 'run.json'), [file]);
}
