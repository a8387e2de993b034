import { basename, join } from 'node:path';
import * as z from 'zod';
import { dataError, usageError } from '../core/errors.js';
import { type InstructionRecord, recordSchema } from '../data/record.js';
import { writeFolderAtomic, writeJson } from '../io/atomic.js';
import { exists, hashFile, listFolder, statPath } from '../io/files.js';
import { checkSchema, readJson } from '../io/json.js';
import { readJsonLines, writeJsonLines } from '../io/jsonl.js';
import { ownFile } from '../io/own-files.js';
import type { StagedSet, Staging } from './types.js';

const MANIFEST = 'manifest.json';
const HOLDOUT = 'holdout.jsonl';
const stageFile = (index: number) => `stage-${index}.jsonl`;

const hash = z.string().regex(/^[0-9a-f]{64}$/, 'expected a SHA-256 of 64 hexadecimal digits');
const count = z.number().int().min(0);
const fileName = z
  .string()
  .regex(/^(stage-\d{1,3}|holdout)\.jsonl$/, 'expected the name stage-N.jsonl or holdout.jsonl');
const fileEntry = { file: fileName, sha256: hash, rows: count };

/** Schema of manifest.json in a staged folder: how it was made, from what, and what lies there. */
const manifestSchema = z.strictObject({
  schema: z.literal('phasetune/staged-set'),
  version: z.literal(1),
  input: z.strictObject({ file: z.string(), sha256: hash, rows: count, withoutScore: count }),
  options: z.strictObject({
    stages: z.number().int().min(2).max(6),
    by: z.enum(['thresholds', 'rows', 'tokens']),
    thresholds: z.array(z.number()),
    holdout: z.number().min(0),
    unscored: z.enum(['refuse', 'drop']),
    seed: count,
  }),
  tokensCounted: z.enum(['tokenizer', 'estimate']),
  cuts: z.array(z.strictObject({ score: z.number(), tiedBelow: count, tiedAbove: count })),
  stages: z
    .array(
      z.strictObject({
        index: z.number().int().min(1),
        ...fileEntry,
        heldOut: count,
        tokens: count,
        scores: z.strictObject({ min: z.number(), max: z.number(), mean: z.number() }),
      }),
    )
    .min(1)
    .max(6)
    .refine(
      (stages) => stages.every(({ index }, i) => index === i + 1),
      'expected the stages 1, 2, 3 and on in their order',
    ),
  holdout: z.strictObject(fileEntry),
});

/** See `manifestSchema`. */
export type StagingManifest = z.infer<typeof manifestSchema>;

/** The file a set was staged from. */
export interface StagingInput {
  readonly path: string;
  readonly rows: number;
}

/**
 * Writes a staged folder in one go: `stage-1.jsonl` and on, `holdout.jsonl`, `manifest.json` with the hash of each. A folder
 * that is there and not empty is refused with a usage error, unless it is a staged folder and `replace` is set.
 */
export async function writeStaged(
  folder: string,
  staging: Staging,
  input: StagingInput,
  { replace = false }: { replace?: boolean } = {},
): Promise<StagingManifest> {
  await checkFree(folder, replace);
  const inputHash = await hashFile(input.path);
  return writeFolderAtomic(
    folder,
    async (temporary) => {
      const write = async (file: string, rows: readonly InstructionRecord[]) => {
        await writeJsonLines(join(temporary, file), rows);
        return { file, sha256: await hashFile(join(temporary, file)), rows: rows.length };
      };
      const stages: StagingManifest['stages'] = [];
      for (const { index, rows, heldOut, tokens, scores } of staging.stages)
        stages.push({ index, ...(await write(stageFile(index), rows)), heldOut: heldOut.length, tokens, scores });
      const heldOut = staging.stages.flatMap((stage) => stage.heldOut);
      const manifest: StagingManifest = {
        schema: 'phasetune/staged-set',
        version: 1,
        input: { file: basename(input.path), sha256: inputHash, rows: input.rows, withoutScore: staging.dropped },
        options: { ...staging.plan, thresholds: [...staging.plan.thresholds] },
        tokensCounted: staging.counted,
        cuts: [...staging.cuts],
        stages,
        holdout: await write(HOLDOUT, heldOut),
      };
      await writeJson(join(temporary, MANIFEST), manifest);
      return manifest;
    },
    { replace },
  );
}

/** Refuses, with a usage error, a folder that {@link writeStaged} would refuse: told before the work instead of after. */
export async function checkFree(folder: string, replace: boolean): Promise<void> {
  const { kind } = await statPath(folder);
  if (kind === 'missing') return;
  if (kind !== 'folder')
    throw usageError(`${folder} is a file; expected a folder to write the stages to`, { file: folder });
  const names = await listFolder(folder);
  if (names.length === 0) return;
  const known = names.every((name) => name === MANIFEST || name === HOLDOUT || /^stage-\d+\.jsonl$/.test(name));
  const staged = known && names.includes(MANIFEST);
  if (!staged)
    throw usageError(`${folder} is not empty and not a staged folder; choose another --out or empty it`, {
      file: folder,
    });
  if (!replace)
    throw usageError(`${folder} holds a staged set already; choose another --out, or replace it with --force`, {
      file: folder,
    });
}

/** Reads manifest.json of a staged folder. A folder without one, or with one of another version, is a data error. */
export async function readManifest(folder: string): Promise<StagingManifest> {
  const path = join(folder, MANIFEST);
  if (!exists(path))
    throw dataError(
      `${folder}: not a staged folder (no ${MANIFEST}); make one with \`phasetune stage FILE --out ${folder}\``,
      {
        file: path,
      },
    );
  const value = await readJson(path);
  const version = (value as { version?: unknown } | null)?.version;
  if (version !== 1)
    throw dataError(
      `${path}: expected version 1, got ${JSON.stringify(version)}; stage the set anew with this phasetune`,
      {
        file: path,
      },
    );
  return checkSchema(value, manifestSchema, path);
}

/**
 * Reads a staged folder back. A file that is missing or differs from its hash in the manifest, a row that is not as
 * {@link recordSchema} says, and an id that occurs twice are data errors.
 */
export async function readStaged(folder: string): Promise<StagedSet> {
  const manifest = await readManifest(folder);
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

async function readChecked(
  folder: string,
  { file, sha256, rows: expected }: StagingManifest['holdout'],
): Promise<InstructionRecord[]> {
  const path = (await ownFile(folder, file)) ?? join(folder, file);
  const found = await hashFile(path);
  if (found !== sha256)
    throw dataError(
      `${path}: changed since it was staged (expected SHA-256 ${sha256.slice(0, 12)}..., got ${found.slice(0, 12)}...); stage the set anew`,
      { file: path, expected: sha256, actual: found },
    );
  const rows: InstructionRecord[] = [];
  for await (const { line, value } of readJsonLines(path))
    rows.push(checkSchema(value, recordSchema, `${path}:${line}`));
  if (rows.length !== expected)
    throw dataError(
      `${path}: expected ${expected} rows as ${MANIFEST} says, found ${rows.length}; stage the set anew`,
      {
        file: path,
        expected,
        actual: rows.length,
      },
    );
  return rows;
}
