/** A folder, and the hashes of the files in it that decide what a model says. */
export interface HashedFolder {
  readonly path: string;
  readonly files: Readonly<Record<string, string>>;
}

/** Where the answers of one run of an arm come from, as `eval.json` records it. */
export interface ArmRun {
  /** As it was named. */
  readonly source: string;
  /** The model's folder; absent for a file of answers. */
  readonly model?: HashedFolder | undefined;
  /** The adapter's folder; absent for a model without one. */
  readonly adapter?: HashedFolder | undefined;
  /** The run that trained the adapter, and after which of its stages. */
  readonly trained?: { readonly run: string; readonly stage: number } | undefined;
  /** SHA-256 of a file of answers. */
  readonly answers?: string | undefined;
}

/** A run of an arm that a model of this process answers. */
export type ModelRun = ArmRun & { readonly model: HashedFolder };

/** True for a run whose answers are still to be made. */
export const isModelRun = (run: ArmRun): run is ModelRun => run.model !== undefined;

/** An arm: what is compared, with one run or several. */
export interface Arm {
  readonly name: string;
  readonly runs: readonly ArmRun[];
}
