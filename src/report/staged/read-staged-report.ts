import { join } from 'node:path';
import { type Histogram, histogramOf } from '../../curriculum/histogram.js';
import { estimateLength } from '../../curriculum/lengths.js';
import { checkStaged, readManifest, type StagingManifest } from '../../curriculum/manifest.js';
import { manifestWarnings } from '../../curriculum/warnings.js';
import { type InstructionRecord, recordSchema } from '../../data/record.js';
import { checkSchema } from '../../io/json.js';
import { readJsonLines } from '../../io/jsonl.js';

/** Where the rows of a source went. */
export interface SourceRows {
  /** What the rows say under `meta.source`; undefined for those that say nothing. */
  readonly name: string | undefined;
  /** Rows to train on of each stage, the easiest first. */
  readonly stages: readonly number[];
  readonly heldOut: number;
}

/** Quantiles of lengths in tokens, estimated from characters. */
export interface LengthQuantiles {
  readonly p10: number;
  readonly q1: number;
  readonly median: number;
  readonly q3: number;
  readonly p90: number;
  readonly longest: number;
}

/** What a page of a staged folder shows: numbers, and no text of a row. */
export interface StagedReport {
  /** As it was given. */
  readonly folder: string;
  readonly manifest: StagingManifest;
  /** What staging warned of. */
  readonly warnings: readonly string[];
  /** All rows by score and stage, held-out ones among them. */
  readonly scores: Histogram;
  /** The same by length, in tokens that are estimated from characters. */
  readonly lengths: Histogram;
  /** Of the rows to train on of each stage. */
  readonly quantiles: readonly LengthQuantiles[];
  /** By the number of rows; empty where no row names a source. */
  readonly sources: readonly SourceRows[];
}

/** Sources that are counted by name; the rest is counted together. */
const MOST_SOURCES = 20;

/**
 * Reads a staged folder for a page: its manifest, and of every row the score, the length and the source. Throws a
 * data error for a folder that is none, and for a file that has changed since it was staged.
 *
 * @example
 * const report = await readStagedReport('staged');
 * console.log(report.manifest.stages.map(({ rows }) => rows), report.warnings);
 */
export async function readStagedReport(folder: string): Promise<StagedReport> {
  const manifest = await readManifest(folder);
  await checkStaged(folder);
  const read = newTally(manifest.stages.length);
  for (const [i, { file }] of manifest.stages.entries())
    for await (const row of rowsOf(join(folder, file))) read.add(row, i, false);
  for await (const row of rowsOf(join(folder, manifest.holdout.file))) read.add(row, (row.stage ?? 1) - 1, true);
  return { folder, manifest, warnings: manifestWarnings(manifest), ...read.done() };
}

const stagedRowSchema = recordSchema.required({ score: true });

type StagedRow = InstructionRecord & { readonly score: number };

async function* rowsOf(path: string): AsyncGenerator<StagedRow> {
  for await (const { line, value } of readJsonLines(path)) yield checkSchema(value, stagedRowSchema, path, line);
}

type Tally = Pick<StagedReport, 'scores' | 'lengths' | 'quantiles' | 'sources'>;

/** What is kept of rows: numbers. */
function newTally(stages: number) {
  const scores: number[] = [];
  const lengths: number[] = [];
  const stageOf: number[] = [];
  const trained: number[][] = Array.from({ length: stages }, () => []);
  const sources = new Map<string | undefined, { stages: number[]; heldOut: number }>();
  return {
    add(row: StagedRow, stage: number, heldOut: boolean): void {
      const place = Math.min(stage, stages - 1);
      scores.push(row.score);
      const length = estimateLength(row);
      lengths.push(length);
      if (!heldOut) trained[place]!.push(length);
      stageOf.push(place);
      const { source } = row.meta ?? {};
      const name = typeof source === 'string' ? source : undefined;
      const counts = sources.get(name) ?? { stages: new Array<number>(stages).fill(0), heldOut: 0 };
      if (heldOut) counts.heldOut++;
      else counts.stages[place]!++;
      sources.set(name, counts);
    },
    done(): Tally {
      const stage = Uint8Array.from(stageOf);
      return {
        scores: countBy(scores, stage, stages),
        lengths: countBy(lengths, stage, stages),
        quantiles: trained.map(quantilesOf),
        sources: sourceRows(sources, stages),
      };
    },
  };
}

function countBy(values: readonly number[], stageOf: Uint8Array, stages: number): Histogram {
  const order = Uint32Array.from(values.keys()).sort((x, y) => values[x]! - values[y]!);
  return histogramOf(Float64Array.from(values), stageOf, order, stages);
}

function quantilesOf(lengths: number[]): LengthQuantiles {
  const sorted = lengths.sort((x, y) => x - y);
  const at = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
  return { p10: at(0.1), q1: at(0.25), median: at(0.5), q3: at(0.75), p90: at(0.9), longest: at(1) };
}

type Counts = Readonly<{ stages: readonly number[]; heldOut: number }>;

const rowsIn = ({ stages, heldOut }: Counts): number => stages.reduce((sum, n) => sum + n, heldOut);

/** The sources with the most rows, and the others as one; none where no row names any. */
function sourceRows(sources: ReadonlyMap<string | undefined, Counts>, stages: number): SourceRows[] {
  if ([...sources.keys()].every((name) => name === undefined)) return [];
  const sorted = [...sources].sort(([x, a], [y, b]) => rowsIn(b) - rowsIn(a) || ((x ?? '') < (y ?? '') ? -1 : 1));
  const named = sorted.slice(0, MOST_SOURCES).map(([name, counts]) => ({ name, ...counts }));
  const rest = sorted.slice(MOST_SOURCES).map(([, counts]) => counts);
  if (rest.length === 0) return named;
  const sum = (of: (counts: Counts) => number) => rest.reduce((total, counts) => total + of(counts), 0);
  return [
    ...named,
    {
      name: `${rest.length} others`,
      stages: Array.from({ length: stages }, (_, i) => sum((counts) => counts.stages[i]!)),
      heldOut: sum(({ heldOut }) => heldOut),
    },
  ];
}
