import { dataError } from '../core/errors.js';
import type { InstructionRecord } from '../data/record.js';
import { cut } from './cut.js';
import { holdOut } from './holdout.js';
import { estimateLengths, type RowLengths } from './lengths.js';
import type { StagingPlan } from './options.js';
import type { StagedRows, Staging } from './types.js';
import { stagingWarnings } from './warnings.js';

/** A row whose score is known to be a number. */
type ScoredRecord = InstructionRecord & { readonly score: number };

/**
 * Cuts scored rows into stages of rising difficulty and holds out a part of each. `measure` counts the tokens of rows
 * (default: an estimate by their characters). Rows keep their order. Throws a data error for an empty set, unscored rows
 * (unless dropped), a score that is no number fewer rows than stages, and where a stage
 * is empty or would keep no row to train on.
 */
export function stageRows(
  records: readonly InstructionRecord[],
  plan: StagingPlan,
  measure: (rows: readonly InstructionRecord[]) => RowLengths = estimateLengths,
): Staging {
  const rows = scoredRows(records, plan);
  if (rows.length < plan.stages)
    throw dataError(
      `${rows.length} scored row${rows.length === 1 ? '' : 's'} for ${plan.stages} stages; expected at least one a stage; make fewer stages or score more rows`,
      { rows: rows.length, stages: plan.stages },
    );
  const scores = rows.map(({ score }) => score);
  const lengths = measure(rows);
  const { stageOf, cuts } = cut(scores, plan, lengths.tokens);
  checkNoneEmpty(stageOf, scores, plan);
  const held = holdOut(rows, stageOf, plan);
  const stages = Array.from({ length: plan.stages }, (_, stage): StagedRows => {
    const members = rows.flatMap((_, i) => (stageOf[i] === stage ? [i] : []));
    const trained = members.filter((i) => !held[i]);
    const put = (i: number): InstructionRecord => ({ ...rows[i]!, stage: stage + 1 });
    return {
      index: stage + 1,
      rows: trained.map(put),
      heldOut: members.filter((i) => held[i]).map(put),
      tokens: trained.reduce((sum, i) => sum + lengths.tokens[i]!, 0),
      scores: scoreRange(members.map((i) => scores[i]!)),
    };
  });
  const dropped = records.length - rows.length;
  const warnings = stagingWarnings({ plan, stages, cuts, dropped, counted: lengths.counted });
  return { plan, stages, cuts, counted: lengths.counted, dropped, warnings };
}

function scoredRows(records: readonly InstructionRecord[], { unscored }: StagingPlan): ScoredRecord[] {
  if (records.length === 0) throw dataError('the set is empty; expected scored rows');
  const bad = records.find(({ score }) => score !== undefined && !Number.isFinite(score));
  if (bad) throw dataError(`row ${bad.id}: expected a number as score, got ${bad.score}`, { id: bad.id });
  const without = records.filter(({ score }) => score === undefined);
  if (without.length > 0 && unscored === 'refuse') {
    const named = without.slice(0, 5).map(({ id }) => id);
    throw dataError(
      `${without.length} of ${records.length} rows have no score (${named.join(', ')}${without.length > 5 ? ', ...' : ''}); give each a score, name their field with --score-field, or leave them out with --unscored drop`,
      { rows: without.length },
    );
  }
  return records.filter((record): record is ScoredRecord => record.score !== undefined);
}

function checkNoneEmpty(
  stageOf: readonly number[],
  scores: readonly number[],
  { stages, thresholds }: StagingPlan,
): void {
  const empty = Array.from({ length: stages }, (_, i) => i).find((stage) => !stageOf.includes(stage));
  if (empty === undefined) return;
  const [from, to] = [thresholds[empty - 1], thresholds[empty]];
  const band = from === undefined ? `under ${to}` : to === undefined ? `${from} and over` : `${from} to under ${to}`;
  const { min, max } = scoreRange(scores);
  throw dataError(
    `stage ${empty + 1} of ${stages} (score ${band}) is empty: the scores go from ${min} to ${max}; change --thresholds ${thresholds.join(',')}, make fewer stages, or cut --by rows`,
    { stage: empty + 1, min, max },
  );
}

function scoreRange(scores: readonly number[]): StagedRows['scores'] {
  const [min, max] = scores.reduce(
    ([low, high], score) => [Math.min(low, score), Math.max(high, score)],
    [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
  ) as [number, number];
  const mean = scores.reduce((sum, score) => sum + score, 0) / scores.length;
  return { min, max, mean: Math.round(mean * 1e4) / 1e4 };
}
