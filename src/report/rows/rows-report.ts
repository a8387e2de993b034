import { random } from '../../core/random.js';
import { type BatchPlan, type PlannedStep, planBatches } from '../../data/batch-plan.js';
import type { EncodeReport } from '../../data/encode-rows.js';
import type { EncodedRow } from '../../data/encoded.js';
import type { EncodeOptions } from '../../data/options.js';
import type { InstructionRecord } from '../../data/record.js';
import type { PackedRow } from '../../plots/packing-plot.js';
import type { Tokenizer } from '../../tokenizer/tokenizer.js';
import type { TrainOptions } from '../../train/options.js';
import { planRun } from '../../train/run-plan.js';
import type { Passage } from '../page.js';
import { tokenTexts } from './token-texts.js';

/** A row with its tokens. */
export interface ShownRow {
  readonly id: string;
  readonly stage: number | undefined;
  readonly score: number | undefined;
  readonly tokens: number;
  readonly trained: number;
  /** What encoding did to it, in words; empty where nothing. */
  readonly notes: readonly string[];
  readonly passages: readonly Passage[];
}

/** A row that is not trained, and why. */
export interface DroppedRow {
  readonly id: string;
  readonly stage: number | undefined;
  readonly reason: string;
}

/** A micro-batch as it goes through the model. */
export interface ShownBatch {
  readonly name: string;
  readonly length: number;
  readonly lines: readonly (readonly PackedRow[])[];
}

/** The rows of a training stage, and its first batches. */
export interface ShownStage {
  readonly name: string;
  readonly rows: number;
  readonly tokens: number;
  readonly trained: number;
  readonly longest: number;
  readonly steps: number;
  /** Tokens that all its steps visit, and positions that the model computes for them: the rest is padding. */
  readonly visited: number;
  readonly padded: number;
  readonly batches: readonly ShownBatch[];
}

/** What a page of rows shows: texts of rows, since that is what was asked for. */
export interface RowsReport {
  /** File or folder of the rows, and the model's, as they were given. */
  readonly data: string;
  readonly model: string;
  readonly encoding: EncodeOptions;
  readonly batching: TrainOptions;
  readonly report: EncodeReport;
  /** Tokens of every kept row with its stage, in the order of the rows. */
  readonly lengths: readonly { readonly tokens: number; readonly stage: number | undefined }[];
  readonly stages: readonly ShownStage[];
  readonly shown: readonly ShownRow[];
  readonly dropped: readonly DroppedRow[];
}

/** What a page of rows is made of. */
export interface RowsInput {
  readonly data: string;
  readonly model: string;
  readonly tokenizer: Tokenizer;
  readonly records: readonly InstructionRecord[];
  readonly rows: readonly EncodedRow[];
  readonly report: EncodeReport;
  readonly encoding: EncodeOptions;
  /** How a run would go through the rows. */
  readonly batching: TrainOptions;
  /** Rows to show of each stage. */
  readonly limit: number;
}

/** Steps whose lines are shown, of each stage. */
const SHOWN_STEPS = 4;

/** Works out what a page of rows shows: tokens of some rows of each stage, and the first batches of a run over them. */
export async function rowsReport(input: RowsInput): Promise<RowsReport> {
  const { data, model, tokenizer, records, rows, report, encoding, batching, limit } = input;
  const recordOf = new Map(records.map((record) => [record.id, record]));
  const chosen = chooseRows(rows, recordOf, report, limit);
  const texts = await tokenTexts(tokenizer, chosen);
  const notes = notesOf(report, encoding);
  const shown: ShownRow[] = [];
  for (const row of chosen) {
    const { stage, score } = recordOf.get(row.id)!;
    shown.push({
      id: row.id,
      stage,
      score,
      tokens: row.ids.length,
      trained: row.trained,
      notes: notes.get(row.id) ?? [],
      passages: await texts.passagesOf(row),
    });
  }
  return {
    data,
    model,
    encoding,
    batching,
    report,
    lengths: rows.map(({ id, ids }) => ({ tokens: ids.length, stage: recordOf.get(id)?.stage })),
    stages: shownStages(records, rows, batching),
    shown,
    dropped: droppedRows(report, encoding).map((row) => ({ ...row, stage: recordOf.get(row.id)?.stage })),
  };
}

/** The first rows of each stage, and of those that were cut the first that are not among them. */
function chooseRows(
  rows: readonly EncodedRow[],
  recordOf: ReadonlyMap<string, InstructionRecord>,
  { truncated }: EncodeReport,
  limit: number,
): EncodedRow[] {
  const left = new Map<number | undefined, number>();
  const cut = new Set(truncated);
  let cutLeft = limit;
  return rows.filter(({ id }) => {
    const { stage } = recordOf.get(id)!;
    const more = left.get(stage) ?? limit;
    if (more > 0) {
      left.set(stage, more - 1);
      if (cut.has(id)) cutLeft--;
      return true;
    }
    return cut.has(id) && cutLeft-- > 0;
  });
}

function notesOf(report: EncodeReport, { maxLength }: EncodeOptions): Map<string, string[]> {
  const notes = new Map<string, string[]>();
  const add = (ids: readonly string[], note: string) => {
    for (const id of ids) notes.set(id, [...(notes.get(id) ?? []), note]);
  };
  add(report.truncated, `cut at ${maxLength} tokens: its end is not trained`);
  add(report.withoutEnd, 'no end token after an answer: nothing teaches the model to stop');
  add(report.leftOut, 'it has text that the template does not write: that is not in the tokens');
  return notes;
}

function droppedRows(report: EncodeReport, { maxLength }: EncodeOptions): Omit<DroppedRow, 'stage'>[] {
  const because = (ids: readonly string[], reason: string) => ids.map((id) => ({ id, reason }));
  return [
    ...because(report.droppedTooLong, `dropped: longer than ${maxLength} tokens`),
    ...because(report.droppedPromptTooLong, `dropped: its prompt alone fills ${maxLength} tokens`),
    ...because(report.untrained, 'dropped: no answer of it is to be trained (weight 0)'),
    ...report.refused.map(({ id, reason }) => ({ id, reason: `left out: ${reason}` })),
  ];
}

/** A run over the rows: stage after stage of a staged set, otherwise all rows as one stage. */
function shownStages(
  records: readonly InstructionRecord[],
  rows: readonly EncodedRow[],
  options: TrainOptions,
): ShownStage[] {
  const indices = [...new Set(records.flatMap(({ stage }) => stage ?? []))].sort((x, y) => x - y);
  if (indices.length === 0 || records.some(({ stage, score }) => stage === undefined || score === undefined)) {
    const seed = random(options.seed, 'batches', 1).integer(2 ** 31);
    const [plan] = planBatches([{ rows, seed, budget: { epochs: options.epochs ?? 3 } }], options);
    return [shownStage('all rows', plan!)];
  }
  const stages = indices.map((index) => ({ index, rows: records.filter(({ stage }) => stage === index) }));
  const plan = planRun({ stages, holdout: [], hash: '' }, rows, options);
  return plan.stages.map(({ summary, batches }) => shownStage(summary.label, batches));
}

function shownStage(name: string, { steps, tokens, paddedTokens }: BatchPlan): ShownStage {
  const first = new Map(
    steps
      .filter(({ epoch }) => epoch === 0)
      .flatMap(({ microBatches }) => microBatches.flatMap(({ lines }) => lines.flat()))
      .map((row) => [row.id, row]),
  );
  const rows = [...first.values()];
  return {
    name,
    rows: rows.length,
    tokens: rows.reduce((sum, { ids }) => sum + ids.length, 0),
    trained: rows.reduce((sum, { trained }) => sum + trained, 0),
    longest: rows.reduce((most, { ids }) => Math.max(most, ids.length), 0),
    steps: steps.length,
    padded: paddedTokens,
    visited: tokens,
    batches: steps.slice(0, SHOWN_STEPS).flatMap(shownBatches),
  };
}

const shownBatches = ({ microBatches }: PlannedStep, step: number): ShownBatch[] =>
  microBatches.map(({ lines, shape }, part) => ({
    name: microBatches.length === 1 ? `step ${step + 1}` : `step ${step + 1}, part ${part + 1}`,
    length: shape.length,
    lines: Array.from({ length: shape.lines }, (_, i) => (lines[i] ?? []).map(packedRow)),
  }));

/** Runs of tokens that are trained, or not. */
function packedRow({ id, ids, mask }: EncodedRow): PackedRow {
  const runs: { tokens: number; trained: boolean }[] = [];
  for (let t = 0; t < ids.length; t++) {
    const trained = mask[t] === 1;
    const last = runs.at(-1);
    if (last?.trained === trained) last.tokens++;
    else runs.push({ tokens: 1, trained });
  }
  return { name: id, runs };
}
