import type { Message } from '../../data/record.js';

/** What the local checks found in an answer; a check that does not apply to its row is absent. */
export interface AnswerChecks {
  /** No character except white space. */
  readonly empty: boolean;
  /** The answer was cut off at the most tokens that it may have. */
  readonly cut: boolean;
  /** It begins as a refusal does. A heuristic. */
  readonly refusal: boolean;
  /** It repeats itself to its end. */
  readonly loop: boolean;
  /** More than half of it is copied from the instruction. */
  readonly copy: boolean;
  /** It is mostly written in another script than the instruction. */
  readonly otherScript: boolean;
  /** Equal to the reference, apart from white space around it. */
  readonly exactMatch?: boolean | undefined;
  /** Equal to the reference after NFKC, without case and punctuation. */
  readonly normalizedMatch?: boolean | undefined;
  /** The same JSON value as the reference. */
  readonly jsonMatch?: boolean | undefined;
  /** Constraints as those of IFEval: met strictly and loosely, by name; null for one that is not checked. */
  readonly constraints?: readonly ConstraintCheck[] | undefined;
}

/** Whether an answer meets a constraint. */
export interface ConstraintCheck {
  readonly name: string;
  readonly strict: boolean | null;
  readonly loose: boolean | null;
}

/** Cross-entropy of a row's own reference, in nats. */
export interface ReferenceLoss {
  /** Summed over the tokens. */
  readonly sum: number;
  readonly tokens: number;
}

/** A line of a file of losses: one row's reference, after one stage of a run. */
export interface StageLoss extends ReferenceLoss {
  readonly id: string;
}

/** A line of `answers/ARM/SET.jsonl`: one answer of one run of an arm, in the order of the set's rows. */
export interface AnswerRow {
  readonly id: string;
  readonly instruction: string;
  /** The turns before the answer; absent where they are one user turn, which `instruction` is. */
  readonly messages?: readonly Message[] | undefined;
  readonly output: string;
  /** Absent for answers of other programs. */
  readonly tokens?: number | undefined;
  /** `stop`: the model ended its answer; `length`: it was cut off. Absent for answers of other programs. */
  readonly finish?: 'stop' | 'length' | undefined;
  readonly score?: number | undefined;
  readonly band?: number | undefined;
  readonly reference?: string | undefined;
  /** Absent without a reference, or for answers of other programs. */
  readonly loss?: ReferenceLoss | undefined;
  readonly checks: AnswerChecks;
  /** Hash of everything that decides the answer. */
  readonly key: string;
  /** Fields of another program's file that it came from, which are written back as they are. */
  readonly foreign?: Readonly<Record<string, unknown>> | undefined;
}
