import type { RunCheck } from './facts.js';

/** One of the statistical tests that a signature rests on. */
export interface DiagnosisTest {
  /** What is tested, such as `band 1 after stage 1`. */
  readonly name: string;
  /** `points` of a win rate less 50, or `nats` per token by which a loss rose. */
  readonly unit: 'points' | 'nats';
  /** What was measured: below 0 points, or above 0 nats, is bad. Null without rows. */
  readonly value: number | null;
  /** Its interval, not adjusted for the number of tests; null for fewer than two rows. */
  readonly low: number | null;
  readonly high: number | null;
  /** Rows that it is measured on. */
  readonly rows: number;
  /** One-sided; `pHolm` is adjusted over all tests of the diagnosis. */
  readonly p: number;
  readonly pHolm: number;
  /** Least bad effect that so many rows show with a power of 80 %; null where they are too few to show any. */
  readonly least: number | null;
  /** Effect that would matter: where `least` is above it, the test cannot tell. */
  readonly matters: number;
  readonly bad: boolean;
}

/** The paper's signatures of a curriculum that failed. */
export type SignatureName = 'easy-items' | 'forgetting' | 'score-range' | 'below-one-off';

/** Whether a signature shows. */
export interface Signature {
  readonly name: SignatureName;
  readonly state: 'found' | 'not found' | 'cannot tell';
  /** In a sentence or two: what was found, or why one cannot tell. */
  readonly evidence: string;
  /** What to look at next; empty where nothing was found. */
  readonly next: string;
  /** Names of the tests that it rests on. */
  readonly tests: readonly string[];
}

/** Diagnosis of an arm. */
export interface Diagnosis {
  readonly arm: string;
  readonly oneOff: string | null;
  readonly through: string | null;
  /** Level of the family of all tests together. */
  readonly level: number;
  readonly signatures: readonly Signature[];
  readonly tests: readonly DiagnosisTest[];
  /** What has to be the same in both runs. */
  readonly checks: readonly RunCheck[];
  /** The range of scores in bins with equal rows, for all sets and for each; empty where it cannot be made. */
  readonly bins: readonly ScoreBin[];
}

/** Rows of neighbouring scores. */
export interface ScoreBin {
  readonly from: number;
  readonly to: number;
  readonly rows: number;
  /** In percent, for all sets and by set; null where no row is judged. */
  readonly winRate: number | null;
  readonly bySet: Readonly<Record<string, number | null>>;
}
