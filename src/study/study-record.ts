import { join } from 'node:path';
import * as z from 'zod';
import { dataError } from '../core/errors.js';
import { exists } from '../io/files.js';
import { checkSchema, readJson } from '../io/json.js';
import { readJsonLines } from '../io/jsonl.js';
import { type Cell, cellSchema } from './cell.js';
import { cellCount, studyFileSchema } from './study-file.js';

const hashes = z.record(z.string(), z.string());

/** The analysis, fixed before the first run. */
const analysisSchema = z.strictObject({
  metric: z.string(),
  unit: z.enum(['nats', 'points']),
  better: z.enum(['lower', 'higher']),
  margin: z.number().nullable(),
  alpha: z.number(),
  control: z.string(),
  /** Arms of the family of Holm's adjustment. */
  compare: z.array(z.string()),
  /** The rules that results are computed and worded by, a sentence each. */
  rules: z.array(z.string()),
});

/** Schema of `study.json`: the study as it is registered, written before the first run. */
export const studyRecordSchema = z.strictObject({
  schema: z.literal('phasetune/study'),
  version: z.literal(1),
  created: z.string(),
  versions: z.record(z.string(), z.string()),
  /** The folder that relative paths of the study start from. */
  begunIn: z.string(),
  /** The study with every option decided, and the base recipe in it rather than its file. */
  study: studyFileSchema,
  /** SHA-256 of the study and its inputs. */
  hash: z.string(),
  inputs: z.strictObject({
    /** SHA-256 of every file of rows and scores, and of the manifest of a staged folder, by path as given. */
    data: hashes,
    /** By the model's folder as given: its files and their SHA-256. */
    models: z.record(z.string(), hashes),
  }),
  analysis: analysisSchema,
  /** Trained tokens of every cell. */
  budget: z.number().int().positive(),
  /** Type of products of all cells whose recipe does not give one. Absent in older studies, and where all give one. */
  precision: z.enum(['bfloat16', 'float32']).optional(),
  /** What was added after the start, each with the cells that were done by then. */
  extended: z.array(z.strictObject({ time: z.string(), added: z.array(z.string()), done: z.number().int().min(0) })),
  /** Times that the study was continued although something differed (`force`), and what. */
  forced: z.array(z.strictObject({ time: z.string(), changes: z.array(z.string()) })),
});

/** See {@link studyRecordSchema}. */
export type StudyRecord = z.infer<typeof studyRecordSchema>;

/** Files of a study's folder. */
export const studyPaths = (folder: string) => ({
  record: join(folder, 'study.json'),
  cells: join(folder, 'cells.jsonl'),
  results: join(folder, 'results.json'),
  /** Asks the process that runs the study to stop. */
  stop: join(folder, 'stop.json'),
  /** Rows held out of all sets of a split. */
  holdout: (name: string) => join(folder, 'holdouts', `${name}.jsonl`),
  staged: (set: string) => join(folder, 'staged', set),
  /** Evaluations, one for each combination of the axes. */
  evaluation: (name: string) => join(folder, 'evals', name),
  cell: (id: string) => join(folder, 'cells', id),
  run: (id: string) => join(folder, 'cells', id, 'run'),
  attempts: (id: string) => join(folder, 'cells', id, 'attempts.jsonl'),
  log: (id: string, attempt: number) => join(folder, 'cells', id, `attempt-${attempt}.log`),
});

/** A study's folder, read. */
export interface Study {
  readonly folder: string;
  readonly record: StudyRecord;
  /** In the order of work. */
  readonly cells: readonly Cell[];
}

/**
 * Reads the registered study of a folder; a folder without one is a data error.
 *
 * @example
 * const { record, cells } = await readStudy('studies/first');
 * console.log(record.hash, cells.length);
 */
export async function readStudy(folder: string): Promise<Study> {
  const { record, cells } = studyPaths(folder);
  if (!exists(record)) throw dataError(`${folder}: not a study (no study.json in it)`, { file: record });
  const study = await readJson(record, studyRecordSchema);
  const read: Cell[] = [];
  for await (const { line, value } of readJsonLines(cells))
    read.push(checkSchema(value, cellSchema, `${cells}:${line}`));
  const count = cellCount(study.study);
  if (read.length < count)
    throw dataError(`${cells}: expected ${count} cells, found ${read.length}; was it changed or cut off?`, {
      file: cells,
      expected: count,
      actual: read.length,
    });
  // Those after it were written for an extension that was never registered.
  return { folder, record: study, cells: read.slice(0, count) };
}
