import { join } from 'node:path';
import type { Recipe } from '../config/recipe.js';
import type { EncodeReport } from '../data/encode-rows.js';
import type { Precision } from '../program/compile-options.js';
import type { PrecisionChoice } from '../program/products/choose.js';
import type { Division } from '../train/division.js';
import type { EntryBatches } from '../train/entry-shapes.js';
import type { RunEvent, StageSummary } from '../train/events.js';
import type { Attempt } from '../train/fit-memory.js';
import type { Band } from '../train/forgetting.js';
import type { MemoryForecast } from '../train/memory-forecast.js';
import type { RunFile } from '../train/run-file.js';

/** A run before it begins: pure data. */
export interface TrainingPlan {
  /** Every option decided: defaults, and what was chosen for a memory limit. */
  readonly recipe: Recipe;
  readonly order: Recipe['order'];
  readonly stages: readonly StageSummary[];
  /** The shapes that batches are computed in. */
  readonly shapes: EntryBatches;
  /** How steps are divided among several devices; absent for one. */
  readonly division?: Division;
  /** Bands of difficulty among the held-out rows; empty without any. */
  readonly bands: readonly Band[];
  /** What encoding did to the rows. */
  readonly report: EncodeReport;
  /** What the run will take; absent where that was not asked for or cannot be worked out. */
  readonly memory?: PlannedMemory;
  /** The type of products and why; absent where that is decided later, when the library is loaded. */
  readonly precision?: PrecisionChoice;
  /** What is odd about the inputs, and what will not come out as the options sound, in plain words. */
  readonly warnings: readonly string[];
}

/** The memory that a run will take. */
export interface PlannedMemory {
  /** Absent for an eager program, whose memory is not known beforehand. */
  readonly forecast?: MemoryForecast;
  /** Ways to run that the memory limit has no room for. */
  readonly tooLarge: readonly Attempt[];
  /** What the same run would take with the other type of products, or its weights held in fewer bits. */
  readonly otherwise?: readonly OtherwiseHeld[];
}

/** What a run would take in another type of products, or with weights in 16 bits under float32 ones. */
export interface OtherwiseHeld {
  readonly precision: Precision;
  readonly loadIn16bit: boolean;
  readonly forecast: MemoryForecast;
}

/** Rows were encoded. */
export interface EncodeEvent {
  readonly type: 'encode';
  readonly done: number;
  readonly of: number;
}

/** Everything about the run is decided; nothing is trained yet. */
export interface PlanEvent extends TrainingPlan {
  readonly type: 'plan';
}

/** Something that the user should know, in plain words; the run continues. */
export interface WarningEvent {
  readonly type: 'warning';
  readonly message: string;
}

/** The run to resume is done; nothing is left to do. */
export interface AlreadyDoneEvent {
  readonly type: 'already-done';
  /** The run's folder. */
  readonly folder: string;
}

/**
 * Steps are compiled as a whole (`compile: whole`), each when it is first taken: that takes
 * seconds, or minutes for a large model.
 */
export interface CompileEvent {
  readonly type: 'compile';
  /** How many programs: one for each shape of batches, held-out ones included. */
  readonly programs: number;
}

/**
 * What happens while a run is prepared and trained, in this order: rows encoded, the plan, the run itself.
 * Warnings come at any time.
 */
export type TrainEvent = EncodeEvent | PlanEvent | WarningEvent | AlreadyDoneEvent | CompileEvent | RunEvent;

/** What came of a run. */
export interface TrainResult {
  /** The run's folder, the option `out`. */
  readonly folder: string;
  /** Folder of the adapter in PEFT's files, inside the run's folder. */
  readonly adapter: string;
  /** What `run.json` holds: versions, options, inputs and their hashes, stages, losses, times. */
  readonly run: RunFile;
}

/** The result of a run that is done. */
export const resultOf = (folder: string, run: RunFile): TrainResult => ({
  folder,
  adapter: join(folder, run.adapter?.path ?? 'adapter'),
  run,
});
