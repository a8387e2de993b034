import type { HandoverRecord } from '../handover-record.js';
import type { EngineName } from '../options.js';

/** A file that an engine needs, besides those that every handover has. */
export interface EngineFile {
  /** Relative to the handover's folder, with `/`. */
  readonly path: string;
  readonly text: string;
}

/** What an engine is given to write its files. */
export interface EnginePlan {
  /** As it will be written. */
  readonly record: HandoverRecord;
  /** The base model's folder, absolute. */
  readonly model: string;
  /** Class of the model's layers in transformers, which FSDP wraps: `LlamaDecoderLayer`. */
  readonly layerClass: string;
}

/** An engine that trains a handover: what it cannot do, and its own files. */
export interface Engine {
  readonly name: EngineName;
  /** Sentences about what it does otherwise than `train` with this plan; goes into the record and README.md. */
  differences(plan: EnginePlan): string[];
  /**
   * Its files: README.md, run.sh, configuration, programs; their paths have `/`. Throws a usage
   * error for what it cannot carry over.
   */
  files(plan: EnginePlan): Promise<readonly EngineFile[]>;
}
