import { random } from '../core/random.js';
import type { StagingPlan } from './options.js';

/** A border between two stages. */
export interface Cut {
  /** The threshold, or the lowest score of the stage above. */
  readonly score: number;
  /** Rows with exactly this score that fell below the border; 0 under thresholds. The seed decided which. */
  readonly tiedBelow: number;
  /** Rows with exactly this score that fell above it. */
  readonly tiedAbove: number;
}

/** The stage of each row, from 0, and the borders between the stages. */
export interface CutResult {
  readonly stageOf: readonly number[];
  readonly cuts: readonly Cut[];
}

/**
 * Puts each row into a stage. `scores` are finite numbers; `lengths` are the rows' tokens, needed by `tokens` only. Under
 * thresholds a row that reaches a threshold goes above it, and a stage may stay empty. By rows or tokens the rows are put in
 * order of their scores and cut where the sums come nearest to equal shares, at least one row a stage; rows of equal score
 * are put in random order by the seed, so a border can run between them.
 */
export function cut(scores: readonly number[], plan: StagingPlan, lengths?: readonly number[]): CutResult {
  if (plan.by === 'thresholds') return cutAtThresholds(scores, plan.thresholds);
  if (plan.by === 'tokens' && lengths?.length !== scores.length)
    throw new RangeError(`expected ${scores.length} lengths, got ${lengths?.length}`);
  return cutEqually(scores, plan.by === 'tokens' ? lengths! : scores.map(() => 1), plan);
}

function cutAtThresholds(scores: readonly number[], thresholds: readonly number[]): CutResult {
  const stageOf = scores.map((score) => thresholds.filter((threshold) => score >= threshold).length);
  const tied = (threshold: number) => scores.filter((score) => score === threshold).length;
  return { stageOf, cuts: thresholds.map((score) => ({ score, tiedBelow: 0, tiedAbove: tied(score) })) };
}

function cutEqually(scores: readonly number[], weights: readonly number[], { stages, seed }: StagingPlan): CutResult {
  const shuffled = random(seed, 'curriculum', 'ties').shuffle(scores.map((_, row) => row));
  const rising = shuffled.sort((x, y) => scores[x]! - scores[y]!);
  const borders = equalBorders(
    rising.map((row) => weights[row]!),
    stages,
  );
  const stageOf = new Array<number>(scores.length);
  for (const [place, row] of rising.entries()) stageOf[row] = borders.filter((border) => place >= border).length;
  const cuts = borders.map((border): Cut => {
    const score = scores[rising[border]!]!;
    const tied = rising.flatMap((row, place) => (scores[row] === score ? [place] : []));
    return {
      score,
      tiedBelow: tied.filter((place) => place < border).length,
      tiedAbove: tied.filter((place) => place >= border).length,
    };
  });
  return { stageOf, cuts };
}

/** First places of the second and later parts: where the running sum is nearest to an equal share, no part empty. */
function equalBorders(weights: readonly number[], parts: number): number[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const borders: number[] = [];
  let place = 0;
  let before = 0;
  for (let part = 1; part < parts; part++) {
    const target = (total * part) / parts;
    const least = (borders.at(-1) ?? 0) + 1;
    const most = weights.length - (parts - part);
    const nearer = () => Math.abs(before + weights[place]! - target) <= Math.abs(before - target);
    while (place < most && (place < least || nearer())) before += weights[place++]!;
    borders.push(place);
  }
  return borders;
}
