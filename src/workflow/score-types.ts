import type { DeviceChoice } from '../backend/options.js';
import type { PhasetuneError } from '../core/errors.js';
import type { AskingEstimate } from '../endpoint/estimate.js';
import type { EndpointAddress } from '../endpoint/options.js';
import type { Price } from '../endpoint/prices.js';
import type { AskResult, AskTotals } from '../endpoint/scheduler/ask-types.js';
import type { Judge } from '../scoring/judge.js';
import type { JudgeEvent } from '../scoring/judge-rows.js';
import type { JudgementCounts } from '../scoring/judged-outcomes.js';
import type { LossProgress } from '../scoring/measure-losses.js';
import type { JudgePrompt } from '../scoring/prompt.js';
import type { ScoresManifest } from '../scoring/scored.js';
import type { AskHooks } from './hooks.js';

/** What a program can give `score` besides its options. */
export type ScoreHooks = AskHooks;
export type { CostQuestion } from './hooks.js';

/** What judging will take, as far as it is known. */
export interface JudgingEstimate extends AskingEstimate {
  /**
   * US dollars where replies are as short as the judge is asked to make them; undefined where the
   * price is not known.
   */
  readonly likelyCost: number | undefined;
  /** Seconds that the limits of requests and tokens a minute stretch it to at least; 0 without limits. */
  readonly atLeastSeconds: number;
}

/** What a judge will be asked. */
export interface JudgingPlan {
  readonly scorer: 'openai';
  readonly judge: Judge;
  /** Without the key. */
  readonly address: Omit<EndpointAddress, 'apiKey' | 'headers'>;
  readonly price: Price | undefined;
  readonly estimate: JudgingEstimate;
  readonly counts: JudgementCounts;
  /** Questions of all rows, those that the ledger answers among them. */
  readonly questions: number;
  /** Row and prompt of the first question; by `planScoring` only. */
  readonly sample?: { readonly id: string; readonly prompt: JudgePrompt };
}

/** What a model will measure. */
export interface MeasuringPlan {
  readonly scorer: 'loss';
  readonly rows: number;
  /** Texts of all rows, equal ones counted once, and those of them that the ledger knows. */
  readonly texts: number;
  readonly known: number;
  /** Tokens of the texts that are left, and positions that the model computes for them, padding included. */
  readonly tokens: number;
  readonly paddedTokens: number;
  readonly batches: number;
  /** Forecast of the memory that it takes, in bytes; 0 where nothing is left to measure. */
  readonly memory: number;
}

/** What will be counted. */
export interface CountingPlan {
  readonly scorer: 'length';
  readonly rows: number;
}

/** What `planScoring` finds. */
export type ScoringPlan = JudgingPlan | MeasuringPlan | CountingPlan;

/** What `score` reports on its way. */
export type ScoreEvent =
  | { readonly type: 'plan'; readonly plan: ScoringPlan }
  /** Rows encoded for the model, of `total`. */
  | { readonly type: 'encode'; readonly done: number; readonly total: number }
  /** The first question or batch is next; `total` are the questions (`openai`) or tokens (`loss`) of this run. */
  | { readonly type: 'start'; readonly scorer: 'openai' | 'loss'; readonly total: number }
  /** A reply or a failure came; `total` are the questions of this run, `unreadable` the replies without a score. */
  | (Extract<JudgeEvent, { type: 'answer' }> & { readonly total: number })
  /** A question is asked again, or everyone waits for the endpoint. */
  | Exclude<JudgeEvent, { type: 'answer' }>
  /** No more is asked in this run. */
  | ({ readonly type: 'asked' } & AskResult)
  | ({ readonly type: 'measure' } & LossProgress);

/** What every scorer returns. */
export interface ScoredFile {
  /** The scored rows, in the order of the input. */
  readonly out: string;
  readonly manifestFile: string;
  readonly manifest: ScoresManifest;
  /** Score of each row, in the rows' order; undefined where it has none. */
  readonly scores: readonly (number | undefined)[];
  /**
   * Why scoring does not count as successful although its files are written: no row has a score, or
   * the endpoint left some out.
   */
  readonly problem?: PhasetuneError;
}

/** Rows that an LLM judged. */
export interface JudgedFile extends ScoredFile {
  readonly scorer: 'openai';
  readonly ledger: string;
  readonly judge: Judge;
  readonly counts: JudgementCounts;
  /** Undefined where nothing was left to ask. */
  readonly asked: AskTotals | undefined;
}

/** Rows scored by the loss of a model. */
export interface MeasuredFile extends ScoredFile {
  readonly scorer: 'loss';
  readonly ledger: string;
  readonly device: Exclude<DeviceChoice, 'auto'>;
  readonly precision: 'float32' | 'bfloat16';
  readonly texts: number;
  /** Texts measured in this run, and their tokens. */
  readonly measured: number;
  readonly tokens: number;
  /** Undefined where nothing was left to measure. */
  readonly speed: Pick<LossProgress, 'seconds' | 'tokensPerSecond'> | undefined;
}

/** Rows scored by their length. */
export interface CountedFile extends ScoredFile {
  readonly scorer: 'length';
  readonly counted: 'tokenizer' | 'estimate';
}

/** What `score` returns. */
export type ScoreResult = JudgedFile | MeasuredFile | CountedFile;
