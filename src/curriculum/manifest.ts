import { join } from 'node:path';
import * as z from 'zod';
import { dataError, usageError } from '../core/errors.js';
import type { Remedy } from '../core/remedies.js';
import { importOptionsSchema } from '../data/options.js';
import { type InstructionRecord, recordSchema } from '../data/record.js';
import { exists, hashFile, listFolder, statPath } from '../io/files.js';
import { checkSchema, readJson } from '../io/json.js';
import { readJsonLines } from '../io/jsonl.js';
import { countField as count, hashField as hash, measuredField, shareField } from '../io/manifest-fields.js';
import { ownFile } from '../io/own-files.js';
import { isReport } from '../io/report-files.js';
import { stagingOptionsSchema } from './staging-options.js';
import type { StagedSet } from './types.js';

/** What the folder was made from and how; written last. */
export const MANIFEST = 'manifest.json';
/** The held-out rows of all stages. */
export const HOLDOUT = 'holdout.jsonl';
/** Histogram of the scores by stage. */
export const PICTURE = 'histogram.svg';
const STAGE_FILE = /^stage-\d+\.jsonl$/;
/** The rows to train on of a stage, from 1. */
export const stageFile = (index: number): string => `stage-${index}.jsonl`;

const STAGE_AGAIN: Remedy = { task: 'stage', note: 'again' };
const OTHER_FOLDER: Remedy = { option: 'out', change: 'set', note: 'to another folder' };

const fileName = z
  .string()
  .regex(/^(stage-\d{1,3}|holdout)\.jsonl$/, 'expected the name stage-N.jsonl or holdout.jsonl');
const fileEntry = { file: fileName, sha256: hash, rows: count };

const stagesOf = <T extends z.ZodObject>(entry: T) =>
  z
    .array(entry)
    .min(1)
    .max(6)
    .refine(
      (stages) => stages.every(({ index }, i) => index === i + 1),
      'expected the stages 1, 2, 3 and on in their order',
    );

/** The part of a manifest of any version that says where the rows are. */
const filesSchema = z.object({
  stages: stagesOf(z.object({ index: z.number().int().min(1), ...fileEntry })),
  holdout: z.object(fileEntry),
});

/** Schema of manifest.json in a staged folder: how it was made, from what, and what lies there. */
export const stagingManifestSchema = z.strictObject({
  schema: z.literal('phasetune/staged-set'),
  version: z.literal(2),
  input: z.strictObject({
    file: z.string(),
    sha256: hash,
    rows: count,
    withoutScore: count,
    /** How the file was read. */
    import: importOptionsSchema,
  }),
  /** All options with every choice made: the same cut can be made from them, see {@link stagingOptionsSchema}. */
  options: stagingOptionsSchema.required({ stages: true, by: true }),
  /**
   * The rows that were given as hold-out, instead of `holdout` of the options, and how many others were left out as
   * their near-duplicates.
   */
  holdoutFrom: z.strictObject({ file: z.string(), sha256: hash, rows: count, leftOut: count }).optional(),
  lengths: z.strictObject({
    counted: z.enum(['tokenizer', 'estimate']),
    tokenizer: z.record(z.string(), hash).optional(),
  }),
  cuts: z.array(z.strictObject({ score: measuredField, tiedBelow: count, tiedAbove: count })),
  duplicates: z.strictObject({
    shingleWords: count,
    bands: count,
    bandRows: count,
    exact: count,
    near: count,
    clusters: count,
    largest: count,
    uncompared: count,
  }),
  length: z.strictObject({ spearman: measuredField.optional(), etaSquared: shareField }),
  stages: stagesOf(
    z.strictObject({
      index: z.number().int().min(1),
      ...fileEntry,
      heldOut: count,
      tokens: count,
      lengths: z.strictObject({ median: count, p90: count }),
      scores: z.strictObject({ min: measuredField, max: measuredField, mean: measuredField }),
    }),
  ),
  holdout: z.strictObject(fileEntry),
});

/** See {@link stagingManifestSchema}. */
export type StagingManifest = z.infer<typeof stagingManifestSchema>;

/** Refuses, with a usage error, a folder that `stageInto` would refuse: before the work instead of after it. */
export async function checkFree(folder: string, replace: boolean): Promise<void> {
  const { kind } = await statPath(folder);
  if (kind === 'missing') return;
  if (kind !== 'folder')
    throw usageError(`${folder} is a file; expected a folder to write the stages to`, { file: folder, option: 'out' });
  const names = await listFolder(folder);
  if (names.length === 0) return;
  const known = names.every(
    (name) => name === MANIFEST || name === HOLDOUT || name === PICTURE || STAGE_FILE.test(name) || isReport(name),
  );
  const staged = known && names.includes(MANIFEST);
  if (!staged)
    throw usageError(`${folder} is not empty and not a staged folder`, {
      file: folder,
      option: 'out',
      remedies: [OTHER_FOLDER, { advice: 'empty it' }],
    });
  if (!replace)
    throw usageError(`${folder} already holds a staged set`, {
      file: folder,
      option: 'out',
      remedies: [OTHER_FOLDER, { option: 'force', change: 'set', note: 'to replace it' }],
    });
}

/**
 * Reads manifest.json of a staged folder, with everything that staging it again needs; a data error
 * where it has none of version 2.
 *
 * @example
 * const { stages, input } = await readManifest('staged');
 */
export async function readManifest(folder: string): Promise<StagingManifest> {
  const { path, value, version } = await readAny(folder);
  if (version === 1)
    throw dataError(`${path}: version 1 does not record everything that made it`, {
      file: path,
      remedies: [STAGE_AGAIN],
    });
  return checkSchema(value, stagingManifestSchema, path);
}

/** Where the rows of a staged folder are; those of version 1 are where they were. */
async function readFiles(folder: string): Promise<z.infer<typeof filesSchema>> {
  const { path, value, version } = await readAny(folder);
  return checkSchema(value, version === 1 ? filesSchema : stagingManifestSchema, path);
}

async function readAny(folder: string): Promise<{ path: string; value: unknown; version: 1 | 2 }> {
  const path = join(folder, MANIFEST);
  if (!exists(path))
    throw dataError(`${folder}: not a staged folder (no ${MANIFEST})`, {
      file: path,
      remedies: [{ task: 'stage', options: { out: folder }, note: 'to make one' }],
    });
  const value = await readJson(path);
  const version = (value as { version?: unknown } | null)?.version;
  if (version === 1 || version === 2) return { path, value, version };
  throw dataError(`${path}: expected version 1 or 2, got ${JSON.stringify(version)}`, {
    file: path,
    remedies: [{ task: 'stage', note: 'again, with this version of phasetune' }],
  });
}

/**
 * Reads a staged folder back. A file that is missing or differs from its hash in the manifest, a row that is not as
 * {@link recordSchema} says, and an id that occurs twice are data errors.
 *
 * @example
 * const { stages, holdout } = await readStaged('staged');
 * console.log(stages.map(({ rows }) => rows.length), holdout.length);
 */
export async function readStaged(folder: string): Promise<StagedSet> {
  const manifest = await readFiles(folder);
  const stages = [];
  for (const entry of manifest.stages) stages.push({ index: entry.index, rows: await readChecked(folder, entry) });
  const holdout = await readChecked(folder, manifest.holdout);
  const seen = new Set<string>();
  for (const { id } of [...stages.flatMap(({ rows }) => rows), ...holdout]) {
    if (seen.has(id))
      throw dataError(`${folder}: id ${JSON.stringify(id)} occurs twice; expected every id once`, { id });
    seen.add(id);
  }
  return { stages, holdout, hash: await hashFile(join(folder, MANIFEST)) };
}

/** Reads the held-out rows of a staged folder, checked as by {@link readStaged}. */
export const readHeldOut = async (folder: string): Promise<InstructionRecord[]> =>
  readChecked(folder, (await readFiles(folder)).holdout);

/** Checks that the rows of a staged folder are those that were staged; a data error names the file that changed. */
export async function checkStaged(folder: string): Promise<void> {
  const { stages, holdout } = await readFiles(folder);
  for (const entry of [...stages, holdout]) await checkedPath(folder, entry);
}

type FileEntry = z.infer<typeof filesSchema>['holdout'];

async function checkedPath(folder: string, { file, sha256 }: FileEntry): Promise<string> {
  const path = (await ownFile(folder, file)) ?? join(folder, file);
  const actual = await hashFile(path);
  if (actual !== sha256)
    throw dataError(
      `${path}: changed since it was staged (expected SHA-256 ${sha256.slice(0, 12)}..., got ${actual.slice(0, 12)}...)`,
      { file: path, expected: sha256, actual, remedies: [STAGE_AGAIN] },
    );
  return path;
}

async function readChecked(folder: string, entry: FileEntry): Promise<InstructionRecord[]> {
  const path = await checkedPath(folder, entry);
  const rows: InstructionRecord[] = [];
  for await (const { line, value } of readJsonLines(path))
    rows.push(checkSchema(value, recordSchema, `${path}:${line}`));
  if (rows.length !== entry.rows)
    throw dataError(`${path}: expected ${entry.rows} rows as ${MANIFEST} says, found ${rows.length}`, {
      file: path,
      expected: entry.rows,
      actual: rows.length,
      remedies: [STAGE_AGAIN],
    });
  return rows;
}
