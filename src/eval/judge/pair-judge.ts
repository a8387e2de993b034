import type { Message } from '../../data/record.js';

/** Which of two answers to an instruction is better? `first` stands before `second` in what the judge reads. */
export interface PairQuestion {
  /** Set and id of the row, for people. */
  readonly item: string;
  readonly messages: readonly Message[];
  readonly first: string;
  readonly second: string;
  /**
   * Which of several times that the same is asked, from 0; absent: the first. Only judges that draw
   * their replies use it.
   */
  readonly repeat?: number | undefined;
}

/**
 * Why there is no verdict. `no-answer`: one of the two answers is missing. `not-asked`: the run ended before.
 * `unknown`: another program judged, and does not say.
 */
export type MissingReason =
  | 'unreadable'
  | 'refusal'
  | 'content-filter'
  | 'too-long'
  | 'endpoint'
  | 'no-answer'
  | 'not-asked'
  | 'unknown';

/** What a judge says about a question. */
export type PairOutcome =
  | {
      readonly choice: 'first' | 'second' | 'tie';
      /** Log-odds that the first is better, in nats; only of judges that measure it. */
      readonly logOdds?: number | undefined;
      /**
       * Probability of all labels together, 0 to 1; only of judges that measure it. Little of it
       * means little sense.
       */
      readonly mass?: number | undefined;
      /** What the judge gave as its reason. */
      readonly why?: string | undefined;
    }
  | { readonly missing: MissingReason; readonly message?: string | undefined };

/** A judge: an LLM at an endpoint, a model in this process, or a rule. Each kind makes one of these. */
export interface PairJudge {
  /** What its verdicts are filed under: `letters`, `length`, or the name of a model. */
  readonly name: string;
  readonly kind: JudgeKind;
  /** Everything that decides its verdicts, for `eval.json`: model, version of the prompt, parameters. */
  readonly about: Readonly<Record<string, unknown>>;
  /** False for a judge whose verdict cannot depend on the order: each pair is then asked once. */
  readonly ordered: boolean;
  /**
   * The arm's score of a pair, 0 to 1, from the log-odds that its answer is better, one per order. Absent: the mean of
   * 1, 1/2, 0, or of the probabilities where there are log-odds.
   */
  combine?(logOdds: readonly number[]): number;
  /**
   * Judges questions, and yields each outcome once it is settled, in any order, with the place of its question. What
   * was settled in an earlier run is not asked again. Ends early without error when `signal` is aborted.
   */
  judge(questions: readonly PairQuestion[], signal?: AbortSignal): AsyncGenerator<SettledPair>;
  close(): Promise<void>;
}

/** The kinds of judges. */
export type JudgeKind = 'llm' | 'letters' | 'likelihood' | 'length';

/** An outcome and the place of its question. */
export interface SettledPair {
  readonly index: number;
  readonly outcome: PairOutcome;
}
