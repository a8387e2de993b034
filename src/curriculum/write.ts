import { basename, join } from 'node:path';
import type { ImportOptions } from '../data/options.js';
import { writeFileAtomic, writeFolderAtomic, writeJson } from '../io/atomic.js';
import { readChunks } from '../io/chunks.js';
import { hashFile, remove } from '../io/files.js';
import { createHashedFile, type HashedFile } from '../io/hashed-file.js';
import { splitLines } from '../io/json-split.js';
import { bandsFor } from './duplicates.js';
import { type GivenHoldout, matchHoldout, type Partition, someRows } from './given-holdout.js';
import { estimatedLengths, type Measure } from './lengths.js';
import { checkFree, HOLDOUT, MANIFEST, PICTURE, type StagingManifest, stageFile } from './manifest.js';
import {
  duplicatesOf,
  REPORT_EVERY,
  type ReadingHooks,
  type ReadTable,
  type Rows,
  readTable,
  type TableReading,
} from './read-table.js';
import { SHINGLE_WORDS } from './shingles.js';
import { stageRows } from './stage.js';
import type { Staging } from './staging.js';
import type { StagingPlan } from './staging-options.js';
import { stagingWarnings } from './warnings.js';

/** The file a set is staged from, and how it was read. */
export interface StagingInput {
  readonly path: string;
  readonly import: ImportOptions;
}

/** Further settings of {@link stageInto}. */
export interface StagingSettings extends ReadingHooks {
  /** Replaces a staged set that is already there. Default false. */
  readonly replace?: boolean;
  /** How rows are measured. Default: tokens estimated from characters. */
  readonly measure?: Measure;
  /** The rows that are held out, and only these; the plan's own hold-out is then not drawn. */
  readonly holdout?: GivenHoldout;
  /** Draws histogram.svg. Default: none. */
  draw?(staging: Staging): string;
}

/** What {@link stageInto} wrote. */
export interface Staged {
  readonly staging: Staging;
  readonly manifest: StagingManifest;
  /** What the user should know, in one sentence each. */
  readonly warnings: readonly string[];
}

/** The rows as they were read, in the temporary folder; removed before that folder is put in place. */
const SPOOL = 'rows.jsonl';

/**
 * Cuts scored rows, see {@link stageRows}, and writes a staged folder atomically: `stage-1.jsonl`
 * and so on, `holdout.jsonl`, `manifest.json` with the hash of each. The rows are read once and
 * kept on disk, in memory only what cutting needs of them; they keep their order, and each gets its
 * `stage`. A folder that exists and is not empty is refused with a usage error, unless it is a
 * staged folder and `replace` is set. Throws a data error for an empty set, for unscored rows
 * unless they are dropped, and for rows that cannot be cut as the plan says; then nothing is
 * written.
 */
export async function stageInto(
  folder: string,
  rows: Rows,
  plan: StagingPlan,
  input: StagingInput,
  settings: StagingSettings = {},
): Promise<Staged> {
  const { replace = false } = settings;
  await checkFree(folder, replace);
  return writeFolderAtomic(folder, (temporary) => fillFolder(temporary, rows, plan, input, settings), { replace });
}

async function fillFolder(
  folder: string,
  rows: Rows,
  plan: StagingPlan,
  input: StagingInput,
  settings: StagingSettings,
): Promise<Staged> {
  const { measure = estimatedLengths, holdout } = settings;
  const spool = join(folder, SPOOL);
  const match = holdout && matchHoldout(holdout);
  const { table, read, without } = await spoolTable(spool, rows, {
    ...settings,
    plan,
    measure,
    ...(match && { onRow: match.add }),
  });
  const duplicates = await duplicatesOf(table, plan, settings);
  const given = match?.done(duplicates.clusterOf);
  const staging = given
    ? stageRows(someRows(table, given.kept), ownPlan(plan), duplicates, given.held)
    : stageRows(table, plan, duplicates);
  const files = await writeParts(folder, spool, staging, settings, given);
  await remove(spool);
  if (settings.draw) await writeFileAtomic(join(folder, PICTURE), settings.draw(staging));
  const about = { rows: read, withoutScore: without, sha256: await hashFile(input.path) };
  const manifest = manifestOf(staging, measure, files, {
    input: { file: basename(input.path), ...about, import: input.import },
    ...(given && {
      holdoutFrom: { file: holdout!.file, sha256: holdout!.sha256, rows: holdout!.rows.size, leftOut: given.leftOut },
    }),
  });
  await writeJson(join(folder, MANIFEST), manifest);
  const facts = { ...staging, counted: measure.counted, dropped: without, leftOut: given?.leftOut ?? 0 };
  return { staging, manifest, warnings: stagingWarnings(facts) };
}

/** A plan without a hold-out of its own. */
const ownPlan = ({ holdout: _, ...plan }: StagingPlan): StagingPlan => plan;

/** Reads the rows: what cutting needs goes into a table, the scored rows themselves into a file. */
async function spoolTable(path: string, rows: Rows, reading: TableReading): Promise<ReadTable> {
  const file = await createHashedFile(path);
  try {
    const read = await readTable(rows, { ...reading, keep: (lines) => file.add(Buffer.from(lines)) });
    await file.commit();
    return read;
  } finally {
    await file.abort();
  }
}

/** A file of the staged folder. */
interface Part {
  readonly file: string;
  readonly sha256: string;
  readonly rows: number;
}

const CLOSE = 1;
const NEWLINE = Buffer.from('\n');

/**
 * Copies the rows to the files of their stages and of the held-out ones, each with its stage; given held-out rows in
 * their given order.
 */
async function writeParts(
  folder: string,
  spool: string,
  { stageOf, held, plan }: Staging,
  { onProgress, signal }: StagingSettings,
  given?: Partition,
): Promise<Part[]> {
  const names = [...Array.from({ length: plan.stages }, (_, i) => stageFile(i + 1)), HOLDOUT];
  const ends = Array.from({ length: plan.stages }, (_, i) => Buffer.from(`,"stage":${i + 1}}`));
  const counts = names.map(() => 0);
  const files: HashedFile[] = [];
  try {
    for (const name of names) files.push(await createHashedFile(join(folder, name)));
    const ordered: Buffer[] = [];
    let [line, row] = [0, 0];
    for await (const { bytes } of splitLines(spool, readChunks(spool), Number.POSITIVE_INFINITY)) {
      const place = given?.placeOf(line);
      if (!given || place !== undefined) {
        const stage = stageOf[row]!;
        const part = held[row++] === 1 ? plan.stages : stage;
        counts[part]!++;
        const text = [bytes.subarray(0, bytes.length - CLOSE), ends[stage]!, NEWLINE];
        if (place !== undefined && place >= 0) ordered[place] = Buffer.concat(text);
        else await files[part]!.add(...text);
      }
      if (++line % REPORT_EVERY !== 0) continue;
      onProgress?.({ doing: 'writing', done: line, total: stageOf.length + (given?.leftOut ?? 0) });
      signal?.throwIfAborted();
    }
    for (const text of ordered) await files.at(-1)!.add(text);
    const parts: Part[] = [];
    for (const [i, file] of files.entries())
      parts.push({ file: names[i]!, sha256: await file.commit(), rows: counts[i]! });
    return parts;
  } finally {
    for (const file of files) await file.abort();
  }
}

function manifestOf(
  staging: Staging,
  { counted, tokenizer }: Measure,
  files: readonly Part[],
  { input, holdoutFrom }: Pick<StagingManifest, 'input' | 'holdoutFrom'>,
): StagingManifest {
  const { plan, stages, cuts, duplicates, length } = staging;
  const { bands, rows: bandRows } = plan.nearDuplicates > 0 ? bandsFor(plan.nearDuplicates) : { bands: 0, rows: 0 };
  return {
    schema: 'phasetune/staged-set',
    version: 2,
    input,
    options: plan,
    ...(holdoutFrom && { holdoutFrom }),
    lengths: { counted, ...(tokenizer && { tokenizer: { ...tokenizer } }) },
    cuts: [...cuts],
    duplicates: { shingleWords: SHINGLE_WORDS, bands, bandRows, ...duplicates },
    length,
    stages: stages.map(({ index, rows: _, ...rest }, i) => ({ index, ...files[i]!, ...rest })),
    holdout: files.at(-1)!,
  };
}
