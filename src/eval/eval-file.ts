import { join } from 'node:path';
import * as z from 'zod';
import { dataError } from '../core/errors.js';
import { jsonText } from '../core/json-text.js';
import { writeFileAtomic } from '../io/atomic.js';
import { exists } from '../io/files.js';
import { checkSchema, readJson } from '../io/json.js';
import { hide } from '../telemetry/redact.js';

const SCHEMA = 'phasetune/evaluation';
const VERSION = 1;

const count = z.number().int().min(0);
const hashes = z.record(z.string(), z.string());

/** What answers come from. */
const armRunSchema = z.strictObject({
  /** As it was named: a run's folder, `run@stage-2`, an adapter, a model folder, or a file of answers. */
  source: z.string(),
  /** The model's folder and the hashes of its files; absent for a file of answers. */
  model: z.strictObject({ path: z.string(), files: hashes }).optional(),
  /** The adapter's folder; absent for a model without one. */
  adapter: z.strictObject({ path: z.string(), files: hashes }).optional(),
  /** The run that trained the adapter, and after which of its stages, where it comes from one. */
  trained: z.strictObject({ run: z.string(), stage: count }).optional(),
  /** SHA-256 of a file of answers. */
  answers: z.string().optional(),
});

/**
 * Schema of `eval.json`: what an evaluation consists of. `eval answer` makes it, and `eval judge` adds the judges.
 * Relative paths start from `begunIn`.
 */
export const evalFileSchema = z.strictObject({
  schema: z.literal(SCHEMA),
  version: z.literal(VERSION),
  versions: z.record(z.string(), z.string()),
  begunIn: z.string(),
  /** Name of the arm that the others are compared with. */
  baseline: z.string(),
  sets: z.array(
    z.strictObject({
      name: z.string(),
      path: z.string(),
      sha256: z.string(),
      /** Rows of the file, and those that are answered. */
      rows: count,
      chosen: count,
    }),
  ),
  /** Seed of the choice of rows, and of sampled answers. */
  seed: count,
  arms: z.record(z.string(), z.strictObject({ runs: z.array(armRunSchema).min(1) })),
  /** How answers are made: template, most tokens, temperature, precision and the rest. */
  answering: z.record(z.string(), z.unknown()),
  /** By judge's name. The first is the one whose win rates are the headline. */
  judges: z.record(
    z.string(),
    z.strictObject({
      kind: z.enum(['llm', 'letters', 'likelihood', 'length']),
      /** Everything that decides its verdicts. */
      about: z.record(z.string(), z.unknown()),
      /** True for a judge that runs beside another one, for free. */
      control: z.boolean(),
      /** What it cost over all runs. */
      spent: z.strictObject({ requests: count, dollars: z.number().min(0), tokens: count }).optional(),
      /** Result of the entrance test; absent where there were no references to make it from. */
      entrance: z.record(z.string(), z.unknown()).optional(),
    }),
  ),
});

/** See {@link evalFileSchema}. */
export type EvalFile = z.infer<typeof evalFileSchema>;

/** Where an evaluation keeps what. */
export const evalPaths = (folder: string) => ({
  evalFile: join(folder, 'eval.json'),
  /**
   * Lines of `AnswerRow`. Further runs of an arm lie in folders of their own, so that adding
   * one moves nothing.
   */
  answers: (arm: string, run: number, set: string): string =>
    join(folder, 'answers', arm, ...(run > 1 ? [`run-${run}`] : []), `${set}.jsonl`),
  /** All answers of a run of an arm in AlpacaEval's format. */
  modelOutputs: (arm: string, run: number): string =>
    join(folder, 'answers', arm, ...(run > 1 ? [`run-${run}`] : []), 'model_outputs.json'),
  /**
   * Losses of the set's references after each stage of the run that an arm comes from, 0 for its base: lines of
   * `StageLoss` in the set's order.
   */
  stageLosses: (arm: string, run: number, stage: number, set: string): string =>
    join(folder, 'losses', arm, `run-${run}`, `stage-${stage}`, `${set}.jsonl`),
  answerLedger: join(folder, 'answers.ledger.jsonl'),
  judgeLedger: join(folder, 'judge.ledger.jsonl'),
  /** Lines of `Verdict` of all judges. */
  verdicts: join(folder, 'verdicts.jsonl'),
  annotations: join(folder, 'annotations.json'),
  leaderboard: join(folder, 'leaderboard.csv'),
  result: join(folder, 'result.json'),
  report: join(folder, 'report.md'),
});

/** Reads `eval.json` of an evaluation's folder; a folder without one is a data error. */
export async function readEvalFile(folder: string): Promise<EvalFile> {
  const { evalFile } = evalPaths(folder);
  if (!exists(evalFile))
    throw dataError(`${folder}: not an evaluation (no eval.json in it)`, {
      file: evalFile,
      remedies: [{ task: 'eval answer', options: { out: folder }, note: 'to begin one' }],
    });
  const value = await readJson(evalFile);
  const { schema, version } = (value ?? {}) as { schema?: unknown; version?: unknown };
  if (schema === SCHEMA && typeof version === 'number' && version > VERSION)
    throw dataError(`${evalFile}: expected version ${VERSION}, found ${version}, which a newer phasetune wrote`, {
      file: evalFile,
      remedies: [{ advice: 'update phasetune' }],
    });
  return checkSchema(value, evalFileSchema, evalFile);
}

/** Writes `eval.json`, atomically and without secrets. */
export async function writeEvalFile(folder: string, value: EvalFile): Promise<void> {
  const { evalFile } = evalPaths(folder);
  const text = jsonText(hide(value), 2);
  checkSchema(JSON.parse(text), evalFileSchema, evalFile);
  await writeFileAtomic(evalFile, `${text}\n`);
}
