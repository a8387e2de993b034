import { join } from 'node:path';
import * as z from 'zod';
import { exists, listFolder, statPath } from '../io/files.js';
import { readJson } from '../io/json.js';
import { measuredField } from '../io/manifest-fields.js';
import { count } from '../train/outcome.js';
import { type HandoverRecord, type StageReport, stageReportSchema } from './handover-record.js';
import { adapterFolder, stageReport } from './paths.js';

/** An optimizer step as an engine reported it; what it did not report is missing. */
export interface ReportedStep {
  readonly step: number;
  readonly loss?: number;
  readonly learningRate?: number;
  /** Before clipping. */
  readonly gradNorm?: number;
  readonly trainedTokens?: number;
  readonly seconds?: number;
}

/** What an engine left that says how it trained a stage. */
export interface StageEvidence {
  /** The file that says it, relative to the handover's folder; undefined where there is none. */
  readonly file?: string;
  /** Our own report, which says most. */
  readonly report?: StageReport;
  /** Optimizer steps that were made; undefined where nothing says so. */
  readonly made?: number;
  readonly steps: readonly ReportedStep[];
  /** Labels that were read in all, those of lines that only fill a step included. */
  readonly labels?: number;
}

/**
 * Schema of what is read of a `trainer_state.json`, which transformers' trainer writes into each of its checkpoints:
 * `log_history` has an entry for each step that was logged.
 */
const trainerStateSchema = z.object({
  global_step: count,
  log_history: z.array(
    z.object({
      step: count,
      loss: measuredField.optional(),
      learning_rate: measuredField.optional(),
      grad_norm: measuredField.optional(),
      /** Axolotl's count of labels so far. */
      'tokens/trainable': count.optional(),
    }),
  ),
});

/**
 * Reads what an engine left about a stage: `stage-N.json`, or else the newest `trainer_state.json` in the folder of the
 * stage's adapter. A data error where the file is not what it must be.
 */
export async function readEvidence(folder: string, { stages }: HandoverRecord, stage: number): Promise<StageEvidence> {
  const own = stageReport(stage);
  if (exists(join(folder, own))) {
    const report = await readJson(join(folder, own), stageReportSchema);
    return { file: own, report, made: report.steps.length, steps: report.steps };
  }
  const file = await trainerState(folder, stages[stage - 1]?.to ?? adapterFolder(stage));
  if (file === undefined) return { steps: [] };
  const state = await readJson(join(folder, file), trainerStateSchema);
  // The last entry of a log may be a summary, without a loss.
  const logged = state.log_history.filter(({ loss }) => loss !== undefined);
  const steps = logged.map(({ step, loss, learning_rate, grad_norm }) => ({
    step,
    ...(loss !== undefined && { loss }),
    ...(learning_rate !== undefined && { learningRate: learning_rate }),
    ...(grad_norm !== undefined && { gradNorm: grad_norm }),
  }));
  const labels = logged.at(-1)?.['tokens/trainable'];
  return { file, made: state.global_step, steps, ...(labels !== undefined && { labels }) };
}

/** The trainer's state in an output folder, or in the newest of its checkpoints. */
async function trainerState(folder: string, output: string): Promise<string | undefined> {
  if ((await statPath(join(folder, output))).kind !== 'folder') return undefined;
  const checkpoints = (await listFolder(join(folder, output)))
    .flatMap((name) => {
      const step = /^checkpoint-(\d+)$/.exec(name)?.[1];
      return step === undefined ? [] : [{ name, step: Number(step) }];
    })
    .sort((x, y) => y.step - x.step)
    .map(({ name }) => `${output}/${name}`);
  return [output, ...checkpoints]
    .map((path) => `${path}/trainer_state.json`)
    .find((path) => exists(join(folder, path)));
}
