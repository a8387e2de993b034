import { sha256 } from '../../core/hash.js';
import type { Evaluation } from '../result/evaluation.js';

/** A pair of answers that people rate. */
export interface RatedPair {
  readonly set: string;
  readonly id: string;
  readonly baseline: string;
  readonly arm: string;
  /** From 1. */
  readonly run: number;
  readonly baselineRun: number;
}

/** A pair with its texts. */
export interface PairTexts extends RatedPair {
  readonly instruction: string;
  readonly band: number | undefined;
  readonly answers: { readonly baseline: string; readonly arm: string };
}

/** By which a pair is known, in verdicts as in the key of a sheet. */
export const pairKey = ({ set, id, baseline, arm, run, baselineRun }: RatedPair): string =>
  JSON.stringify([set, id, baseline, arm, run, baselineRun]);

/** By which the answers of a pair are known again; other answers since make ratings out of date. */
export const answersHash = ({ answers: { baseline, arm } }: Pick<PairTexts, 'answers'>): string =>
  sha256(JSON.stringify([baseline, arm])).slice(0, 16);

/**
 * The pairs of an evaluation that have both answers, and different ones: those of every arm with
 * the baseline, run k with run k or its only one. Equal answers are ties, and nobody needs to say
 * so.
 */
export function pairsToRate({ file: { baseline }, rows, arms }: Evaluation): PairTexts[] {
  const base = arms.get(baseline) ?? [];
  const pairs: PairTexts[] = [];
  for (const [arm, runs] of arms)
    for (const [i, answers] of arm === baseline ? [] : runs.entries()) {
      const baselineRun = base.length === 1 ? 1 : i + 1;
      for (const [place, { set, id, instruction, band }] of rows.entries()) {
        const [ours, theirs] = [base[baselineRun - 1]?.[place]?.output, answers[place]?.output];
        if (ours === undefined || theirs === undefined || ours.trim() === theirs.trim()) continue;
        const texts = { baseline: ours, arm: theirs };
        pairs.push({ set, id, baseline, arm, run: i + 1, baselineRun, instruction, band, answers: texts });
      }
    }
  return pairs;
}
