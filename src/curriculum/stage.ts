import { dataError } from '../core/errors.js';
import { roundShort, scaleToOrdinary } from '../core/ordinary.js';
import { spearman } from '../statistics/correlation.js';
import { rank } from '../statistics/ranks.js';
import { cut } from './cut.js';
import type { Duplicates } from './duplicates.js';
import { histogramOf } from './histogram.js';
import { holdOut } from './holdout.js';
import { lengthExplained } from './length-cut.js';
import type { StageContents, Staging } from './staging.js';
import type { StagingPlan } from './staging-options.js';
import type { RowTable } from './table.js';

/** What staging needs of a table once its duplicates are known. */
type ScoredTable = Pick<RowTable, 'rows' | 'scores' | 'tokens'>;

/**
 * Cuts scored rows into stages of increasing difficulty and holds out a part of each, or those that are given (1 in
 * `given`); duplicates are those of the same table, needed where they are not given. Throws a data error for fewer rows
 * than stages, and where a stage is empty or would have no row left to train on.
 */
export function stageRows(
  table: ScoredTable,
  plan: StagingPlan,
  { clusterOf, ...duplicates }: Duplicates,
  given?: Uint8Array,
): Staging {
  const { scores, tokens, rows } = table;
  if (rows < plan.stages)
    throw dataError(
      `${rows} scored row${rows === 1 ? '' : 's'} for ${plan.stages} stages; expected at least one per stage`,
      { rows, stages: plan.stages, remedies: [{ advice: 'make fewer stages' }, { advice: 'score more rows' }] },
    );
  const { stageOf, cuts, order } = cut(scores, tokens, plan);
  checkNoneEmpty(stageOf, scores, order, plan);
  const held = given ?? holdOut({ order, stageOf, clusterOf }, { ...plan, holdout: plan.holdout ?? 0 });
  const stages = Array.from({ length: plan.stages }, (_, stage) =>
    summarizeStage(stage, { stageOf, held, order }, table),
  );
  checkTrained(stages);
  const correlation = spearman(rank(scores), rank(tokens));
  return {
    plan,
    stageOf,
    held,
    stages,
    cuts,
    duplicates,
    length: {
      ...(correlation !== undefined && { spearman: roundShare(correlation) }),
      etaSquared: roundShare(lengthExplained(tokens, stageOf, plan.stages)),
    },
    histogram: histogramOf(scores, stageOf, order, plan.stages),
  };
}

const roundShare = (value: number): number => Math.round(value * 1e4) / 1e4;

function meanOf(values: Float64Array): number {
  const scale = scaleToOrdinary(values);
  return values.reduce((sum, value) => sum + value * scale, 0) / values.length / scale;
}

function summarizeStage(
  stage: number,
  { stageOf, held, order }: { stageOf: Uint8Array; held: Uint8Array; order: Uint32Array },
  { scores, tokens }: ScoredTable,
): StageContents {
  const members = order.filter((row) => stageOf[row] === stage);
  const trained = Float64Array.from(
    members.filter((row) => held[row] === 0),
    (row) => tokens[row]!,
  ).sort();
  const score = (place: number) => scores[members.at(place)!]!;
  const share = (part: number) => trained[Math.max(0, Math.ceil(part * trained.length) - 1)]!;
  return {
    index: stage + 1,
    rows: trained.length,
    heldOut: members.length - trained.length,
    tokens: trained.reduce((sum, n) => sum + n, 0),
    lengths: { median: share(0.5), p90: share(0.9) },
    scores: {
      min: score(0),
      max: score(-1),
      mean: roundShort(meanOf(Float64Array.from(members, (row) => scores[row]!))),
    },
  };
}

/** Given held-out rows can be all of a stage. */
function checkTrained(stages: readonly StageContents[]): void {
  const empty = stages.find(({ rows }) => rows === 0);
  if (!empty) return;
  const { index, heldOut } = empty;
  throw dataError(
    `stage ${index} has ${heldOut} row${heldOut === 1 ? '' : 's'}, all of them held out; none is left to train on`,
    { stage: index, rows: heldOut, remedies: [{ advice: 'make fewer stages' }, { advice: 'hold out fewer rows' }] },
  );
}

function checkNoneEmpty(
  stageOf: Uint8Array,
  scores: Float64Array,
  order: Uint32Array,
  { stages, thresholds = [] }: StagingPlan,
): void {
  const empty = Array.from({ length: stages }, (_, i) => i).find((stage) => !stageOf.includes(stage));
  if (empty === undefined) return;
  const [from, to] = [thresholds[empty - 1], thresholds[empty]];
  const band = from === undefined ? `under ${to}` : to === undefined ? `${from} and over` : `${from} to under ${to}`;
  const [min, max] = [scores[order[0]!]!, scores[order.at(-1)!]!];
  throw dataError(`stage ${empty + 1} of ${stages} (score ${band}) is empty: the scores go from ${min} to ${max}`, {
    stage: empty + 1,
    min,
    max,
    remedies: [
      { advice: `change \`thresholds: ${thresholds.join(',')}\`` },
      { advice: 'make fewer stages' },
      { option: 'by', change: 'set', value: 'rows' },
    ],
  });
}
