import { basename, join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { dataError } from '../core/errors.js';
import { jsonText } from '../core/json-text.js';
import type { ImportOptions } from '../data/options.js';
import type { InstructionRecord } from '../data/record.js';
import { writeFileAtomic, writeFolderAtomic, writeJson } from '../io/atomic.js';
import { readChunks } from '../io/chunks.js';
import { hashFile, remove } from '../io/files.js';
import { createHashedFile, type HashedFile } from '../io/hashed-file.js';
import { splitLines } from '../io/json-split.js';
import { bandsFor, type Duplicates, findDuplicates } from './duplicates.js';
import { estimatedLengths, type Measure } from './lengths.js';
import { checkFree, HOLDOUT, MANIFEST, PICTURE, type StagingManifest, stageFile } from './manifest.js';
import { SHINGLE_WORDS } from './shingles.js';
import { stageRows } from './stage.js';
import type { Staging } from './staging.js';
import type { StagingPlan } from './staging-options.js';
import { openTable, type RowTable } from './table.js';
import { stagingWarnings } from './warnings.js';

/** The file a set is staged from, and how it was read. */
export interface StagingInput {
  readonly path: string;
  readonly import: ImportOptions;
}

/** How far a staging is; reported every 50,000 rows, so never for a small set. */
export interface StagingProgress {
  readonly doing: 'reading' | 'comparing' | 'writing';
  /** Rows read or written; bands of hashes compared. */
  readonly done: number;
  /** Unknown while reading. */
  readonly total?: number;
}

/** Further settings of {@link stageInto}. */
export interface StagingSettings {
  /** Replaces a staged set that is already there. Default false. */
  readonly replace?: boolean;
  /** How rows are measured. Default: tokens estimated from characters. */
  readonly measure?: Measure;
  /** Draws histogram.svg. Default: none. */
  draw?(staging: Staging): string;
  onProgress?(progress: StagingProgress): void;
  readonly signal?: AbortSignal;
}

/** What {@link stageInto} wrote. */
export interface Staged {
  readonly staging: Staging;
  readonly manifest: StagingManifest;
  /** What the user should know, in one sentence each. */
  readonly warnings: readonly string[];
}

/** Rows after which the signal is checked and progress reported. */
const REPORT_EVERY = 50_000;
/** Rows from which on comparing takes so long that its progress is reported. */
const SLOW_TO_COMPARE = 200_000;
/** Most rows that are measured together, and about how many characters. */
const MEASURED = { rows: 32, characters: 1 << 20 };

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
  rows: Iterable<InstructionRecord> | AsyncIterable<InstructionRecord>,
  plan: StagingPlan,
  input: StagingInput,
  settings: StagingSettings = {},
): Promise<Staged> {
  const { replace = false, measure = estimatedLengths } = settings;
  await checkFree(folder, replace);
  return writeFolderAtomic(
    folder,
    async (temporary) => {
      const spool = join(temporary, SPOOL);
      const { table, read, without } = await readTable(rows, spool, plan, measure, settings);
      const staging = stageRows(table, plan, await duplicatesOf(table, plan, settings));
      const files = await writeParts(temporary, spool, staging, settings);
      await remove(spool);
      if (settings.draw) await writeFileAtomic(join(temporary, PICTURE), settings.draw(staging));
      const about = { rows: read, withoutScore: without, sha256: await hashFile(input.path) };
      const manifest = manifestOf(
        staging,
        { file: basename(input.path), ...about, import: input.import },
        measure,
        files,
      );
      await writeJson(join(temporary, MANIFEST), manifest);
      return {
        staging,
        manifest,
        warnings: stagingWarnings({ ...staging, counted: measure.counted, dropped: without }),
      };
    },
    { replace },
  );
}

/** Reads the rows: what cutting needs goes into a table, the scored rows themselves into a file. */
async function readTable(
  rows: Iterable<InstructionRecord> | AsyncIterable<InstructionRecord>,
  spool: string,
  plan: StagingPlan,
  measure: Measure,
  { onProgress, signal }: StagingSettings,
): Promise<{ table: RowTable; read: number; without: number }> {
  const builder = openTable({ near: plan.nearDuplicates > 0 });
  const file = await createHashedFile(spool);
  const unscored = { count: 0, named: [] as string[] };
  let [read, characters] = [0, 0];
  let batch: InstructionRecord[] = [];
  const take = async () => {
    const lengths = await measure.count(batch);
    let text = '';
    for (const [i, { stage: _, ...row }] of batch.entries()) {
      builder.add(row, row.score!, lengths[i]!);
      text += `${jsonText(row)}\n`;
    }
    batch = [];
    characters = 0;
    await file.add(Buffer.from(text));
  };
  try {
    for await (const row of rows) {
      if (++read % REPORT_EVERY === 0) {
        onProgress?.({ doing: 'reading', done: read });
        signal?.throwIfAborted();
      }
      if (row.score === undefined) {
        if (unscored.count++ < 5) unscored.named.push(row.id);
        continue;
      }
      if (!Number.isFinite(row.score))
        throw dataError(`row ${row.id}: expected a number as score, got ${row.score}`, { id: row.id });
      characters += row.messages.reduce((sum, { content }) => sum + content.length, 0);
      if (batch.push(row) === MEASURED.rows || characters > MEASURED.characters) await take();
    }
    await take();
    await file.commit();
  } finally {
    await file.abort();
  }
  if (read === 0) throw dataError('the set is empty; expected scored rows');
  if (unscored.count > 0 && plan.unscored === 'refuse') throw unscoredRows(unscored, read);
  return { table: builder.done(), read, without: unscored.count };
}

const unscoredRows = ({ count, named }: { count: number; named: readonly string[] }, read: number) =>
  dataError(`${count} of ${read} rows have no score (${named.join(', ')}${count > named.length ? ', ...' : ''})`, {
    rows: count,
    remedies: [
      { advice: 'give each a score' },
      { option: 'scoreField', change: 'set', note: 'to name the field of the scores' },
      { option: 'unscored', change: 'set', value: 'drop', note: 'to leave them out' },
    ],
  });

async function duplicatesOf(
  { keys, shingles, rows }: RowTable,
  plan: StagingPlan,
  { onProgress, signal }: StagingSettings,
): Promise<Duplicates> {
  const search = findDuplicates(keys, shingles, plan);
  for (let done = 1; ; done++) {
    const next = search.next();
    if (next.done) return next.value;
    if (rows >= SLOW_TO_COMPARE) onProgress?.({ doing: 'comparing', done, total: bandsFor(plan.nearDuplicates).bands });
    // Lets signals and the display have their turn.
    await setImmediate();
    signal?.throwIfAborted();
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

/** Copies the rows to the files of their stages and of the held-out ones, each with its stage. */
async function writeParts(
  folder: string,
  spool: string,
  { stageOf, held, plan }: Staging,
  { onProgress, signal }: StagingSettings,
): Promise<Part[]> {
  const names = [...Array.from({ length: plan.stages }, (_, i) => stageFile(i + 1)), HOLDOUT];
  const ends = Array.from({ length: plan.stages }, (_, i) => Buffer.from(`,"stage":${i + 1}}`));
  const counts = names.map(() => 0);
  const files: HashedFile[] = [];
  try {
    for (const name of names) files.push(await createHashedFile(join(folder, name)));
    let row = 0;
    for await (const { bytes } of splitLines(spool, readChunks(spool), Number.POSITIVE_INFINITY)) {
      const stage = stageOf[row]!;
      const part = held[row] === 1 ? plan.stages : stage;
      counts[part]!++;
      await files[part]!.add(bytes.subarray(0, bytes.length - CLOSE), ends[stage]!, NEWLINE);
      if (++row % REPORT_EVERY !== 0) continue;
      onProgress?.({ doing: 'writing', done: row, total: stageOf.length });
      signal?.throwIfAborted();
    }
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
  input: StagingManifest['input'],
  { counted, tokenizer }: Measure,
  files: readonly Part[],
): StagingManifest {
  const { plan, stages, cuts, duplicates, length } = staging;
  const { bands, rows: bandRows } = plan.nearDuplicates > 0 ? bandsFor(plan.nearDuplicates) : { bands: 0, rows: 0 };
  return {
    schema: 'phasetune/staged-set',
    version: 2,
    input,
    options: plan,
    lengths: { counted, ...(tokenizer && { tokenizer: { ...tokenizer } }) },
    cuts: [...cuts],
    duplicates: { shingleWords: SHINGLE_WORDS, bands, bandRows, ...duplicates },
    length,
    stages: stages.map(({ index, rows: _, ...rest }, i) => ({ index, ...files[i]!, ...rest })),
    holdout: files.at(-1)!,
  };
}
