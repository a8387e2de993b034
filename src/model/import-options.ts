import type { ProgressBar, ProgressTask } from '../telemetry/progress.js';

/** Element types that a model can be imported to. */
export type ImportDtype = 'bfloat16' | 'float32';

/** How a model is imported. */
export interface ModelImportOptions {
  readonly dtype: ImportDtype;
  /** A folder whose tokenizer files are taken instead of the tokenizer in the source. */
  readonly tokenizer?: string | undefined;
  /** Replaces an output folder that is not empty; default false. */
  readonly overwrite?: boolean;
  readonly progress?: (task: ProgressTask) => ProgressBar;
  /** Ends the import with an error of code `interrupted`, nothing written. */
  readonly signal?: AbortSignal;
}

/** What an import made. */
export interface ImportResult {
  readonly files: readonly string[];
  readonly tensors: number;
  readonly parameters: number;
  /** What is odd about the source, in plain words. */
  readonly warnings: readonly string[];
}

/** What a source was turned into; `rows` are those of the embedding. */
export interface Converted extends Omit<ImportResult, 'files'> {
  readonly rows: number;
}
