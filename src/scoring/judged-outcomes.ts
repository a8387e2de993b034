import type { InstructionRecord } from '../data/record.js';
import type { Feature } from '../endpoint/types.js';
import type { Judge } from './judge.js';
import { changedRow, isScored, type Judgement, type Judgements, type ScoredJudgement } from './judgements.js';
import type { RowScore, Unscored } from './scored.js';

/** Figures about the rows and their replies. */
export interface JudgementCounts {
  readonly rows: number;
  /** Rows whose content another row before them has. */
  readonly repeated: number;
  /** Rows that were cut because they are too long. */
  readonly cut: number;
  /** Contents that were judged fewer times than requested, but at least once. */
  readonly partial: number;
  /** Replies without usable log-probabilities though an expected value was requested. */
  readonly fromText: number;
  /** Mean probability on the scale, of expected values. */
  readonly mass: number | undefined;
  /** Replies with a score that came without a requested feature because the endpoint refuses it. */
  readonly without: Readonly<Partial<Record<Feature, number>>>;
}

/**
 * The outcome of the row at an index, from 0; its score is the mean of its repeats, `deviation` their sample standard deviation.
 * Throws a data error for a row beyond those that were read.
 */
export function outcomeAt({ judge, contents, cuts, repeats }: Judgements, { id }: InstructionRecord, index: number) {
  const judgements = repeats.get(contents[index] ?? '');
  if (!judgements) throw changedRow(id);
  return outcome(judgements, judge, cuts.get(index));
}

function outcome(judgements: readonly Judgement[], judge: Judge, cut: number | undefined): RowScore | Unscored {
  const scored = judgements.filter(isScored);
  const shortened = cut === undefined ? {} : { cut };
  if (scored.length === 0) {
    const { kind, reason } = judgements.find((one): one is Exclude<Judgement, ScoredJudgement> => !isScored(one))!;
    return { kind, reason, details: shortened };
  }
  const scores = scored.map(({ score }) => rounded(score));
  const score = mean(scores);
  const deviation = Math.sqrt(scores.reduce((sum, s) => sum + (s - score) ** 2, 0) / (scores.length - 1));
  const masses = scored.flatMap(({ mass }) => (mass === undefined ? [] : [mass]));
  const reason = scored.find((one) => one.reason !== undefined)?.reason;
  const details = {
    ...(judge.repeats > 1 && { scores, ...(scores.length > 1 && { deviation: rounded(deviation) }) }),
    ...(masses.length > 0 && { mass: rounded(mean(masses)) }),
    ...(judge.expected && scored.some(({ fromText }) => fromText) && { fromText: true }),
    ...(reason !== undefined && { reason }),
    ...shortened,
  };
  return { score: rounded(score), details };
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Six decimals are more than a judge knows. */
const rounded = (value: number) => Math.round(value * 1e6) / 1e6;

/** Counts what the judgements hold. */
export function countJudgements({ contents, cuts, repeats }: Judgements): JudgementCounts {
  let [partial, fromText, total, masses] = [0, 0, 0, 0];
  const without: Partial<Record<Feature, number>> = {};
  for (const judgements of repeats.values()) {
    const scored = judgements.filter(isScored);
    if (scored.length > 0 && scored.length < judgements.length) partial++;
    for (const { mass, fromText: text, without: features = [] } of scored) {
      for (const feature of features) without[feature] = (without[feature] ?? 0) + 1;
      if (text) fromText++;
      if (mass === undefined) continue;
      total += mass;
      masses++;
    }
  }
  return {
    rows: contents.length,
    repeated: contents.length - repeats.size,
    cut: cuts.size,
    partial,
    fromText,
    mass: masses === 0 ? undefined : total / masses,
    without,
  };
}
