import * as z from 'zod';
import { dataError } from '../core/errors.js';
import { jsonText } from '../core/json-text.js';
import { ORDER_NAMES } from '../curriculum/options.js';
import { writeFileAtomic } from '../io/atomic.js';
import { exists } from '../io/files.js';
import { checkSchema, readJson } from '../io/json.js';
import { durationField, hashField, measuredField } from '../io/manifest-fields.js';
import { optimOptions } from '../optim/options.js';
import { bandSchema, count, rowLedgerSchema, savedSchema, stageSummarySchema } from '../train/outcome.js';
import { ATTENTIONS, ENGINES } from './options.js';
import { HANDOVER_FILES, recordPath } from './paths.js';

/** A file of the handover that decides what is trained: relative to its folder, with `/`. */
const fileSchema = z.strictObject({ path: z.string(), sha256: hashField });

/** How every step is made. One step is `processes * rowsPerProcess * accumulation` lines of a stage's file. */
const trainingSchema = z.strictObject({
  precision: z.enum(['bfloat16', 'float32']),
  attention: z.enum(ATTENTIONS),
  gradientCheckpointing: z.boolean(),
  processes: count.min(1),
  rowsPerProcess: count.min(1),
  accumulation: count.min(1),
  rowsPerStep: count.min(1),
  betas: optimOptions.shape.betas,
  eps: z.number(),
  weightDecay: z.number(),
  /** 0 does not clip. */
  maxGradNorm: z.number(),
});

/** The learning rate of step s of a stage, from 1, is that of step `before + s` of `steps`, see `learningRateAt`. */
const scheduleSchema = z.strictObject({
  kind: optimOptions.shape.schedule.unwrap(),
  learningRate: z.number(),
  minLrRatio: z.number(),
  /** A whole number of steps. */
  warmupSteps: count,
  before: count,
  steps: count,
});

const stageSchema = z.strictObject({
  ...stageSummarySchema.shape,
  /** Hash of its batch plan, and the rows that it will consume: as in `run.json`. */
  plan: z.string(),
  planned: rowLedgerSchema,
  schedule: scheduleSchema,
  /** Its rows as the engine reads them, `steps * rowsPerStep` lines: `input_ids`, `attention_mask`, `labels`. */
  file: fileSchema,
  /** What each of these lines is, see `rowLineSchema`. */
  list: fileSchema,
  /** Lines that only fill a step: no token of theirs is trained. */
  filled: count,
  /** Folders of the adapters that it starts from and ends with. */
  from: z.string(),
  to: z.string(),
});

/** Schema of `handover.json`: a plan that another engine trains, and all that decides what comes of it. */
export const handoverRecordSchema = z.strictObject({
  schema: z.literal('phasetune/handover'),
  version: z.literal(1),
  engine: z.enum(ENGINES),
  made: z.string(),
  versions: z.record(z.string(), z.string()),
  source: z.strictObject({ kind: z.enum(['run', 'recipe', 'cell']), path: z.string() }),
  /** The folder that relative paths of `source`, `recipe` and `inputs` start from. */
  begunIn: z.string(),
  /** Every option, defaults filled in, as `run.json` has it. */
  recipe: z.record(z.string(), z.unknown()),
  order: z.enum(ORDER_NAMES),
  seed: count,
  inputs: z.strictObject({
    model: z.strictObject({ path: z.string(), files: z.record(z.string(), z.string()) }),
    data: z.strictObject({ path: z.string(), manifest: z.string() }),
  }),
  training: trainingSchema,
  /** The adapter that the first stage starts from; the hash is that of `adapter_model.safetensors`. */
  firstAdapter: savedSchema,
  stages: z.array(stageSchema).min(1),
  /** Held-out rows in the same form; not trained. Absent without any. */
  holdout: z.strictObject({ file: fileSchema, list: fileSchema, rows: count, bands: z.array(bandSchema) }).optional(),
  /** What the engine does otherwise than `train`, a sentence each. */
  differences: z.array(z.string()),
});

/** See {@link handoverRecordSchema}. */
export type HandoverRecord = z.infer<typeof handoverRecordSchema>;

/** A stage of a {@link HandoverRecord}. */
export type HandoverStage = HandoverRecord['stages'][number];

/**
 * Schema of a line of `rows/stage-N.list.jsonl`, which belongs to the same line of `rows/stage-N.jsonl`. `id` is null
 * for a line that only fills the step.
 */
export const rowLineSchema = z.strictObject({ id: z.string().nullable(), step: count.min(1), epoch: count.min(1) });

/** Schema of a line of `rows/held-out.list.jsonl`; `band` as in a run's `held-out.jsonl`. */
export const heldOutLineSchema = z.strictObject({ id: z.string(), band: count.min(1), tokens: count });

/** A line of a file of rows. Labels are -100 where a token is not trained. */
export interface HandoverRow {
  readonly input_ids: readonly number[];
  readonly attention_mask: readonly number[];
  readonly labels: readonly number[];
}

/**
 * Schema of `stage-N.json`, which the engine's program writes when a stage is done. Measured numbers may be "NaN",
 * "Infinity" or "-Infinity".
 */
export const stageReportSchema = z.strictObject({
  schema: z.literal('phasetune/handover-stage'),
  version: z.literal(1),
  stage: count.min(1),
  engine: z.enum(ENGINES),
  /** Of python, torch, transformers and so on. */
  versions: z.record(z.string(), z.string()),
  device: z.string(),
  processes: count.min(1),
  /** How they work together, as accelerate calls it: NO, MULTI_CPU, MULTI_GPU, FSDP, DEEPSPEED. */
  distributed: z.string().optional(),
  precision: z.enum(['bfloat16', 'float32']),
  /** SHA-256 of the file of rows as it was read. */
  rows: hashField,
  /** The adapters that it started from and ended with. */
  input: savedSchema,
  output: savedSchema,
  /** Numbers of the adapter that were trained. */
  trainable: count,
  started: z.string(),
  finished: z.string(),
  seconds: durationField,
  steps: z.array(
    z.strictObject({
      step: count.min(1),
      /** Mean over the step's trained tokens, before its update. */
      loss: measuredField,
      learningRate: measuredField,
      /** Before clipping. */
      gradNorm: measuredField,
      trainedTokens: count,
      seconds: durationField,
    }),
  ),
  /** Mean loss of the held-out rows in nats a trained token, as the engine measures it; before only in stage 1. */
  heldOut: z.strictObject({ before: measuredField.optional(), after: measuredField }).optional(),
});

/** See {@link stageReportSchema}. */
export type StageReport = z.infer<typeof stageReportSchema>;

/** Writes `handover.json`, checked as it will be read. */
export async function writeHandoverRecord(folder: string, record: HandoverRecord): Promise<void> {
  const path = recordPath(folder);
  const text = jsonText(record, 2);
  checkSchema(JSON.parse(text), handoverRecordSchema, path);
  await writeFileAtomic(path, `${text}\n`);
}

/** Reads `handover.json`; a folder without one is a data error. */
export async function readHandoverRecord(folder: string): Promise<HandoverRecord> {
  const path = recordPath(folder);
  if (!exists(path))
    throw dataError(`${folder}: not a handover (no ${HANDOVER_FILES.RECORD} in it)`, {
      file: path,
      remedies: [{ task: 'handover', options: { out: folder }, note: 'to make one' }],
    });
  return readJson(path, handoverRecordSchema);
}
