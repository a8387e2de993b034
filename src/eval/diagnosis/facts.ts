/** A row of an evaluation, as far as the diagnosis needs it. */
export interface FactRow {
  readonly set: string;
  /** Band of difficulty, from 1, the easiest; null if unknown. */
  readonly band: number | null;
  /** Difficulty, higher is harder; null if unknown. */
  readonly score: number | null;
}

/** A training stage of the run, or its base. */
export interface StageFacts {
  /** From 1; 0 is the base. */
  readonly stage: number;
  /** Bands that it trained; none for the base. */
  readonly bands: readonly number[];
  /** Loss of every row's reference after it, in nats per token, NaN where missing; null where none was measured. */
  readonly losses: ArrayLike<number> | null;
  /** Score of its answers against those of the stage before: 0 to 1 for every row, NaN where missing. */
  readonly scores: ArrayLike<number> | null;
}

/** Something that has to be the same in two runs before a difference is put down to the method. */
export interface RunCheck {
  readonly name: 'trained tokens' | 'rows' | 'seed' | 'origin' | 'options' | 'base' | 'skipped steps';
  readonly state: 'ok' | 'differs' | 'unknown';
  /** What was found, in words. */
  readonly detail: string;
}

/** Everything that the diagnosis of an arm reads. */
export interface DiagnosisFacts {
  readonly arm: string;
  /** The one-off arm; null if there is none. */
  readonly oneOff: string | null;
  /** The arm that both were judged against, where they were not judged against each other. */
  readonly through: string | null;
  readonly rows: readonly FactRow[];
  /** The base and the stages in the order of training; empty for an arm that is no run. */
  readonly stages: readonly StageFacts[];
  /** The arm's score against the one-off arm, 0 to 1 for every row, NaN where missing; the mean over its runs. */
  readonly scores: ArrayLike<number> | null;
  /** Scores at which the staged set was cut. */
  readonly cuts: readonly number[];
  /** How far the scorer's repeats of a row are apart (standard deviation); null if rows were scored once. */
  readonly scoreDeviation: number | null;
  readonly checks: readonly RunCheck[];
  /** Why there are no losses, and no scores; null where there are. */
  readonly missing: { readonly losses: string | null; readonly scores: string | null };
}
