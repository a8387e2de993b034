import {
  auc,
  brier,
  calibrationError,
  fitTemperature,
  TEMPERATURE_ROWS,
  type Temperature,
} from '../../statistics/calibration.js';
import type { Verdict } from '../verdicts/verdict.js';
import { scoreOfLogOdds, TIE } from './log-odds.js';

/** How a judge that gives log-odds compares with one that is believed: another judge, or people. */
export interface JudgeCalibration {
  readonly judge: string;
  readonly against: string;
  /** Pairs on which both have a verdict. */
  readonly pairs: number;
  /** What the log-odds are divided by, or 1 and why not. */
  readonly temperature: Temperature;
  /** Share of the pairs that both decide in which they name the same answer, 0 to 1; null without such pairs. */
  readonly agreement: number | null;
  readonly decided: number;
  /** How well the log-odds order the other's wins before its losses, 0 to 1, 1/2 for a guess; null without both. */
  readonly auc: number | null;
  /** Mean squared distance of the probabilities from the other's scores, and their expected error in ten bins. */
  readonly brier: number | null;
  readonly calibrationError: number | null;
  /** Win rates of the arms on these pairs by both, in percent. */
  readonly winRate: { readonly judge: number; readonly against: number } | null;
}

/** A score for a pair, from people or another judge, 0 to 1; null where there is none. */
export type BelievedScore = (verdict: Verdict) => number | null | undefined;

/**
 * Log-odds that the arm's answer is better, from both orders of a verdict, in nats; undefined where
 * an order is missing, or the judge gives none. 0 for equal answers.
 */
export function preferenceOf({ state, orders }: Verdict): number | undefined {
  if (state === 'equal' || state === 'both-empty') return 0;
  if (state !== 'judged' || orders.length === 0) return undefined;
  let sum = 0;
  for (const { first, logOdds } of orders) {
    if (logOdds === undefined) return undefined;
    sum += first === 'arm' ? logOdds : -logOdds;
  }
  return sum / orders.length;
}

/**
 * Compares the log-odds of a judge with the scores of one that is believed, pair by pair, after
 * fitting the temperature that makes them probabilities (which needs 50 pairs that the other
 * decided). Equal answers, which nobody judged, are left out.
 */
export function calibrate(
  judge: string,
  against: string,
  verdicts: readonly Verdict[],
  believed: BelievedScore,
): JudgeCalibration {
  const [odds, scores]: [number[], number[]] = [[], []];
  for (const verdict of verdicts) {
    if (verdict.judge !== judge || verdict.state !== 'judged') continue;
    const [preference, score] = [preferenceOf(verdict), believed(verdict)];
    if (preference === undefined || score === null || score === undefined) continue;
    odds.push(preference);
    scores.push(score);
  }
  const temperature = temperatureOf(odds, scores);
  const probabilities = odds.map((preference) => scoreOfLogOdds(preference, temperature.temperature));
  const decided = odds.flatMap((preference, i) =>
    Math.abs(preference) < TIE || scores[i] === 0.5 ? [] : [Number(preference > 0 === scores[i]! > 0.5)],
  );
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  return {
    judge,
    against,
    pairs: odds.length,
    temperature,
    agreement: decided.length === 0 ? null : mean(decided),
    decided: decided.length,
    auc: auc(odds, scores) ?? null,
    brier: brier(probabilities, scores) ?? null,
    calibrationError: calibrationError(probabilities, scores) ?? null,
    winRate: odds.length === 0 ? null : { judge: 100 * mean(probabilities), against: 100 * mean(scores) },
  };
}

/** Ties say nothing about the size of log-odds, so they are no part of the pairs that are enough. */
const temperatureOf = (odds: readonly number[], scores: readonly number[]): Temperature =>
  scores.filter((score) => score !== 0.5).length < TEMPERATURE_ROWS
    ? { temperature: 1, calibrated: false, reason: 'few rows', rows: odds.length }
    : fitTemperature(odds, scores);

/** Another judge's verdicts as what is believed: its score of the same pair. */
export function scoresBy(judge: string, verdicts: readonly Verdict[]): BelievedScore {
  const scores = new Map(verdicts.flatMap((one) => (one.judge === judge ? [[pairKey(one), one.x]] : [])));
  return (verdict) => scores.get(pairKey(verdict));
}

const pairKey = ({ set, id, baseline, arm, run, baselineRun }: Verdict): string =>
  JSON.stringify([set, id, baseline, arm, run, baselineRun]);
