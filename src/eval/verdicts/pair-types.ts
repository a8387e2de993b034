import type { Message } from '../../data/record.js';

/** What pairing needs of an answer. */
export interface PairedAnswer {
  readonly id: string;
  /** The turns before the answer. */
  readonly messages: readonly Message[];
  readonly output: string;
}

/** The answers of one run of an arm to a set, in the order of its rows. */
export interface SetAnswers {
  readonly file: string;
  readonly arm: string;
  /** From 1. */
  readonly run: number;
  readonly set: string;
  readonly rows: readonly PairedAnswer[];
}

/** Two answers to one row. */
export interface Pair {
  readonly set: string;
  readonly id: string;
  readonly messages: readonly Message[];
  readonly baseline: string;
  readonly arm: string;
  readonly run: number;
  readonly baselineRun: number;
  /** Undefined: that side did not answer. */
  readonly answers: { readonly baseline: string | undefined; readonly arm: string | undefined };
}
