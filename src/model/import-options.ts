import type { Logger } from '../telemetry/logger.js';

/** Element types that a model can be imported to. */
export type ImportDtype = 'bfloat16' | 'float32';

/** How a model is imported. */
export interface ImportOptions {
  readonly dtype: ImportDtype;
  /** A folder whose tokenizer files are taken instead of the tokenizer in the source. */
  readonly tokenizer?: string;
  /** Replaces an output folder that is not empty; default false. */
  readonly overwrite?: boolean;
  readonly logger?: Logger;
}

/** What an import made. */
export interface ImportResult {
  readonly files: string[];
  readonly tensors: number;
  readonly parameters: number;
}
