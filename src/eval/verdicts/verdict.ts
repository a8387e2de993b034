import type { MissingReason } from '../judge/pair-judge.js';

/** What the judge said about a pair in one order. */
export interface OrderVerdict {
  /** Whose answer stood first. */
  readonly first: 'baseline' | 'arm';
  /** Whose answer was better; null if missing. */
  readonly better: 'baseline' | 'arm' | 'tie' | null;
  /** Log-odds that the answer that stood first is better, in nats. */
  readonly logOdds?: number | undefined;
  readonly missing?: MissingReason | undefined;
  /** Which of several times that this order was asked, from 1; absent where it was asked once. */
  readonly repeat?: number | undefined;
  readonly why?: string | undefined;
}

/**
 * A line of `verdicts.jsonl`: one pair of answers to one row, as one judge sees it. A pair of which one order is
 * missing is missing; where each was asked several times, one without a time that has both.
 */
export interface Verdict {
  readonly judge: string;
  readonly set: string;
  readonly id: string;
  readonly baseline: string;
  readonly arm: string;
  /** Which run of the arm, from 1; the baseline's is the same one, or its only one. */
  readonly run: number;
  readonly baselineRun: number;
  /** `equal` and `both-empty` pairs are ties that nobody was asked about. */
  readonly state: 'judged' | 'equal' | 'both-empty' | 'missing';
  /**
   * The arm's score, 0 to 1: the mean over its orders (and repeats) of 1, 1/2, 0, or of
   * probabilities. Null if missing.
   */
  readonly x: number | null;
  readonly orders: readonly OrderVerdict[];
  readonly reason?: MissingReason | undefined;
  /** Fields of another program's file that it came from, which are written back as they are. */
  readonly foreign?: Readonly<Record<string, unknown>> | undefined;
}
