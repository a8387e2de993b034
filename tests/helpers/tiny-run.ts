import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { random } from '../../src/core/random.js';
import type { StagedSet } from '../../src/curriculum/types.js';
import type { EncodedRow } from '../../src/data/encoded.js';
import { readJson } from '../../src/io/json.js';
import { type LoraOptions, loraOptions } from '../../src/lora/options.js';
import { parseModelConfig } from '../../src/model/config.js';
import { openModelFolder } from '../../src/model/load.js';
import { linearShapes } from '../../src/model/parameters.js';
import { type OptimOptions, optimOptions } from '../../src/optim/options.js';
import type { CompileOptions } from '../../src/program/compile-options.js';
import { compileOptions } from '../../src/program/options.js';
import type { RunEvent } from '../../src/train/events.js';
import { loraTuner } from '../../src/train/lora-tuner.js';
import { type TrainOptions, trainOptions } from '../../src/train/options.js';
import { claimRunFolder, type RunFile } from '../../src/train/run-file.js';
import { planRun, type RunPlan } from '../../src/train/run-plan.js';
import { type RunJob, runStages } from '../../src/train/staged-run.js';
import type { Tuner } from '../../src/train/tuner.js';
import { testBackend } from './backend.js';
import { disturbedModel } from './disturbed.js';
import { temporaryFolder } from './folder.js';

/** A Llama of two layers with fixed weights, 112 tokens. */
/** The model that tiny runs train. */
export const TINY_BASE = fileURLToPath(new URL('../fixtures/train/base', import.meta.url));
const VOCABULARY = 112;

/** What may differ from one tiny run to the next. */
export interface TinyOptions {
  readonly train?: Partial<TrainOptions>;
  readonly lora?: Partial<LoraOptions>;
  readonly optim?: Partial<OptimOptions>;
  /** Default: eager, float32. */
  readonly compile?: CompileOptions;
  /** Seed by which the base is disturbed. */
  readonly disturbed?: number;
}

/** A row that counts upwards in steps of `stride`: something to learn. The answer is its second half. */
export function countingRow(id: string, first: number, stride: number, length: number): EncodedRow {
  const ids = Int32Array.from({ length }, (_, t) => (t === 0 ? 1 : 3 + ((first + stride * t) % (VOCABULARY - 3))));
  const mask = Uint8Array.from({ length }, (_, t) => (t >= length >> 1 ? 1 : 0));
  return { id, ids, mask, trained: mask.reduce((n, m) => n + m, 0) };
}

/** Three stages of `rowsPerStage` counting rows, the stride is the stage; `held` more of each are held out. */
export function tinySet(rowsPerStage = 8, held = 3): { set: StagedSet; rows: EncodedRow[] } {
  const rng = random(7, 'tiny-set');
  const rows: EncodedRow[] = [];
  const make = (prefix: string, stage: number, n: number) =>
    Array.from({ length: n }, (_, i) => {
      const row = countingRow(`${prefix}${stage}-${i}`, rng.integer(VOCABULARY - 3), stage, 6 + rng.integer(10));
      rows.push(row);
      const messages = [
        { role: 'user' as const, content: '?' },
        { role: 'assistant' as const, content: '!' },
      ];
      return { id: row.id, messages, score: stage, stage };
    });
  const stages = [1, 2, 3].map((index) => ({ index, rows: make('s', index, rowsPerStage) }));
  return { set: { stages, holdout: [1, 2, 3].flatMap((stage) => make('h', stage, held)), hash: 'none' }, rows };
}

/** The real tuner over the tiny base, base weights and a fresh adapter loaded. */
export async function tinyTuner({ lora, optim, compile, disturbed }: TinyOptions = {}): Promise<Tuner> {
  const backend = await testBackend();
  const opened = await openModelFolder(TINY_BASE);
  const model = disturbed === undefined ? opened : disturbedModel(opened, disturbed);
  const { tuner } = await loraTuner({
    backend,
    model,
    lora: tinyLora(lora),
    optim: tinyOptim(optim),
    compile: compile ?? { mode: 'eager', precision: 'float32' },
  });
  await tuner.loadBase([]);
  tuner.reset('adapter', 1);
  tuner.reset('optimizer', 1);
  const dispose = () => {
    tuner.dispose();
    void model.close();
  };
  return { ...tuner, dispose };
}

/**
 * The tuner for tests of what happens between the steps: captured where it can be, which takes a
 * third of the time of op by op once it is recorded.
 */
export const quickTuner = async (): Promise<Tuner> =>
  tinyTuner({ compile: compileOptions({ precision: 'float32', compile: 'none' }, await testBackend()) });

const tinyLora = (lora: Partial<LoraOptions> = {}) => loraOptions.parse({ rank: 2, alpha: 4, ...lora });
const tinyOptim = (optim: Partial<OptimOptions> = {}) => optimOptions.parse({ learningRate: 2e-2, ...optim });

/** Options of a tiny run: two steps a stage unless told otherwise. */
export const tinyTrain = (train: Partial<TrainOptions> = {}): TrainOptions =>
  trainOptions.parse({
    epochs: 1,
    batching: 'padded',
    batchRows: 2,
    accumulate: 2,
    padTo: 4,
    evalRows: 4,
    seed: 3,
    ...train,
  });

/** Plan of a tiny run. */
export const tinyPlan = (train: Partial<TrainOptions> = {}): RunPlan => {
  const { set, rows } = tinySet();
  return planRun(set, rows, tinyTrain(train));
};

/** A fresh place for a run's folder. */
const runFolder = async (): Promise<string> => join(temporaryFolder('phasetune-run'), 'run');

/** Everything {@link runStages} needs for a tiny run. */
export async function tinyJob(options: TinyOptions = {}): Promise<RunJob> {
  const config = parseModelConfig(await readJson(join(TINY_BASE, 'config.json')), 'config.json');
  const folder = await runFolder();
  const { lock } = await claimRunFolder(folder);
  return {
    folder,
    lock,
    plan: tinyPlan(options.train),
    options: tinyTrain(options.train),
    optim: tinyOptim(options.optim),
    lora: tinyLora(options.lora),
    base: { name: 'tiny', linears: linearShapes(config) },
    about: {
      versions: { phasetune: '0' },
      recipe: {},
      inputs: { model: { path: TINY_BASE, files: {} }, data: { path: 'none', manifest: 'none' } },
    },
  };
}

/** Runs to the end; `watch` sees each event before the run goes on. */
export async function runTiny(
  tuner: Tuner,
  job: RunJob,
  watch?: (event: RunEvent) => void | Promise<void>,
): Promise<{ events: RunEvent[]; run: RunFile }> {
  const events: RunEvent[] = [];
  const stages = runStages(tuner, job);
  for await (const event of stages.events) {
    events.push(event);
    await watch?.(event);
  }
  return { events, run: await stages.result };
}

/** Bytes of a file of a run's folder. */
export const bytesOf = (job: RunJob, ...path: string[]): Promise<Buffer> => readFile(join(job.folder, ...path));

/** Events without the times, which alone may differ. */
export const withoutTimes = (events: readonly RunEvent[]): unknown[] =>
  events.map((event) => ({ ...event, seconds: 0, tokensPerSecond: 0 }));
