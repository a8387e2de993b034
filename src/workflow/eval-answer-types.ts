import type { Device } from '../backend/backend.js';
import type { ArmRun } from '../eval/arms/arm-run.js';

/** A run of an arm, and a set: whose answers an event is about. */
export interface AnswerPlace {
  readonly arm: string;
  /** From 1. */
  readonly run: number;
  readonly set: string;
}

/** What happens while arms answer. */
export type AnswerSetsEvent =
  | { readonly type: 'plan'; readonly plan: AnswerSetsPlan }
  /** After each batch; `done` of `total` answers that were missing when it began. */
  | ({ readonly type: 'answers' } & AnswerPlace & AnsweringProgress)
  /** After each batch; `done` of `total` tokens whose loss was missing. */
  | ({ readonly type: 'losses'; readonly source: string } & AnsweringProgress)
  /** A file of answers was written. */
  | ({ readonly type: 'written'; readonly path: string } & AnswerPlace);

/** How far a part of the work is. */
export interface AnsweringProgress {
  readonly done: number;
  readonly total: number;
  /** Seconds since it began, and tokens a second in them: of answers, or of measured texts. */
  readonly seconds: number;
  readonly tokensPerSecond: number;
}

/** What is to be done, known before a model is loaded. */
export interface AnswerSetsPlan {
  readonly out: string;
  readonly baseline: string;
  readonly arms: Readonly<Record<string, { readonly runs: readonly ArmRun[] }>>;
  readonly sets: readonly {
    readonly name: string;
    readonly path: string;
    readonly rows: number;
    readonly chosen: number;
    /** Chosen rows with an answer of the set. */
    readonly references: number;
  }[];
  /** Answers of all arms, equal questions counted once; those that are there; those to be generated. */
  readonly answers: AnsweringCounts;
  /** Texts whose loss is measured, in the same way; none without `loss`. */
  readonly losses: AnsweringCounts & { readonly tokens: number };
  /** True where the folder has an evaluation already. */
  readonly continued: boolean;
  /** Arms whose files changed since: they answer again. */
  readonly renewed: readonly string[];
  /** What differs from before, where that is forced. */
  readonly changes: readonly string[];
  /** Undefined where no model answers. */
  readonly device?: Device | undefined;
}

/** Units of work. */
export interface AnsweringCounts {
  readonly total: number;
  readonly known: number;
  readonly missing: number;
}

/** Answers of an arm, all its runs and sets together. */
export interface ArmAnswers {
  readonly runs: number;
  readonly answers: number;
  readonly empty: number;
  /** Cut off at `maxTokens`. */
  readonly cut: number;
  readonly loop: number;
  /** Mean over all answers; undefined for answers of other programs. */
  readonly meanTokens: number | undefined;
  /** Mean loss on the references, in nats a token; undefined where there are none. */
  readonly meanLoss: number | undefined;
}

/** An evaluation's answers. */
export interface AnswerSetsResult {
  readonly out: string;
  readonly baseline: string;
  readonly arms: Readonly<Record<string, ArmAnswers>>;
  readonly sets: AnswerSetsPlan['sets'];
  /** Answers that were generated now, their tokens, and how long that took. */
  readonly generated: number;
  readonly tokens: number;
  readonly seconds: number;
  readonly tokensPerSecond: number | undefined;
  /** Texts whose loss was measured now. */
  readonly measured: number;
  readonly device?: Device | undefined;
}
