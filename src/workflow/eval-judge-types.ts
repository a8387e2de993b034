import type { PhasetuneError } from '../core/errors.js';
import type { EndpointAddress } from '../endpoint/options.js';
import type { Price } from '../endpoint/prices.js';
import type { AskResult, AskTotals } from '../endpoint/scheduler/ask-types.js';
import type { EntranceResult } from '../eval/judge/entrance.js';
import type { AskingEvent, LlmReplies, PairAsking } from '../eval/judge/llm-judge.js';
import type { JudgeKind, MissingReason } from '../eval/judge/pair-judge.js';
import type { Repeatability } from '../eval/verdicts/repeatability.js';
import type { JudgingEstimate } from './score-types.js';

/** How many pairs there are, and how many of them are settled without a judge. */
export interface JudgedPairCounts {
  readonly pairs: number;
  readonly equal: number;
  readonly bothEmpty: number;
  /** Pairs of which an answer is missing. */
  readonly noAnswer: number;
}

/** What judging will ask. */
export interface PairJudgingPlan extends JudgedPairCounts {
  readonly folder: string;
  readonly kind: JudgeKind;
  /** What its verdicts will be filed under. */
  readonly judge: string;
  /** Judges that run beside it, for free. */
  readonly controls: readonly JudgeKind[];
  /** Questions: the pairs that are left, in their orders, as often as each is asked. */
  readonly questions: number;
  /** Questions of the entrance test, which come first. */
  readonly entrance: number;
  /** Only where an LLM at an endpoint is asked. */
  readonly asking?:
    | (Omit<PairAsking, 'estimate'> & {
        readonly estimate: JudgingEstimate;
        /** Without the key. */
        readonly address: Omit<EndpointAddress, 'apiKey' | 'headers'>;
        readonly price: Price | undefined;
      })
    | undefined;
}

/** What happens while pairs are judged. */
export type JudgeAnswersEvent =
  | { readonly type: 'plan'; readonly plan: PairJudgingPlan }
  /** The first question is next; `total` are the requests of this run at least (llm), or the questions. */
  | { readonly type: 'start'; readonly judge: string; readonly kind: JudgeKind; readonly total: number }
  /** A reply or a failure came, of `total`. */
  | (Extract<AskingEvent, { type: 'answer' }> & { readonly total: number })
  /** A question is asked again, or everyone waits for the endpoint. */
  | Exclude<AskingEvent, { type: 'answer' }>
  /** No more is asked in this run. */
  | ({ readonly type: 'asked' } & AskResult)
  /** A judge in this process has settled `done` of `total` questions. */
  | { readonly type: 'settled'; readonly judge: string; readonly done: number; readonly total: number }
  /** A judge's verdicts are on the disk. */
  | { readonly type: 'judged'; readonly judged: JudgedPairs };

/** What a judge did with the pairs. */
export interface JudgedPairs extends JudgedPairCounts {
  readonly judge: string;
  readonly kind: JudgeKind;
  readonly control: boolean;
  readonly judged: number;
  readonly missing: number;
  /** Why pairs are missing, by arm. */
  readonly missingBy: Readonly<Record<string, Readonly<Partial<Record<MissingReason, number>>>>>;
  /** Undefined where each question was asked once. */
  readonly repeatability?: Repeatability | undefined;
  /** Only of an LLM. */
  readonly replies?: LlmReplies | undefined;
  /** What this run asked; undefined where nothing was left to ask. */
  readonly asked?: AskTotals | undefined;
  /** What it cost over all runs. */
  readonly spent?: { readonly requests: number; readonly dollars: number; readonly tokens: number } | undefined;
  /** Undefined where there was nothing to test it on, or no test was wanted. */
  readonly entrance?: EntranceResult | undefined;
}

/** What judging returns. */
export interface JudgeAnswersResult {
  readonly folder: string;
  /** The judge first, then its controls. */
  readonly judges: readonly JudgedPairs[];
  /** `verdicts.jsonl`. */
  readonly verdicts: string;
  /**
   * Why judging does not count as successful although its files are written: no pair was judged, or
   * the run ended before all were asked about.
   */
  readonly problem?: PhasetuneError | undefined;
}
