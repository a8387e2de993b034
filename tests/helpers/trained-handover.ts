import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { random } from '../../src/core/random.js';
import { plannedRates } from '../../src/handover/check-evidence.js';
import {
  type HandoverRecord,
  type HandoverStage,
  type StageReport,
  writeHandoverRecord,
} from '../../src/handover/handover-record.js';
import { adapterFolder, rowList, rowsFile, stageReport } from '../../src/handover/paths.js';
import { writeJson } from '../../src/io/atomic.js';
import { hashFile, makeFolder } from '../../src/io/files.js';
import { writeSafetensors } from '../../src/io/safetensors.js';
import { temporaryFolder } from './folder.js';

/** A matrix in memory. */
export interface Matrix {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** Matrices of an adapter by PEFT's names. */
export type Matrices = Map<string, Matrix>;

const RANK = 2;
const MODULES = ['model.layers.0.self_attn.q_proj', 'model.layers.0.mlp.up_proj'];
const SIZES = { inputs: 6, outputs: 5 };
const STAGES = 3;
const STEPS = 4;
/** Of each stage: 4 steps of 2 rows with 3 trained tokens; the last line of each stage only fills. */
const TRAINED = 21;

const CONFIG = { peft_type: 'LORA', r: RANK, lora_alpha: 4, use_rslora: false, target_modules: ['q_proj', 'up_proj'] };

/** A small adapter as PEFT begins one, or, with a seed, as training leaves it. */
export function adapterMatrices(trained?: number): Matrices {
  const matrices: Matrices = new Map();
  for (const module of MODULES)
    for (const [part, shape] of [
      ['A', [RANK, SIZES.inputs]],
      ['B', [SIZES.outputs, RANK]],
    ] as const) {
      const { uniform } = random(trained ?? 0, 'trained', part, module);
      const fill = part === 'B' && trained === undefined ? () => 0 : () => uniform() - 0.5;
      const data = Float32Array.from({ length: shape[0] * shape[1] }, fill);
      matrices.set(`base_model.model.${module}.lora_${part}.weight`, { shape, data });
    }
  return matrices;
}

/** Writes an adapter's folder; returns the hash of its weights. */
async function putAdapter(folder: string, matrices: Matrices): Promise<string> {
  await makeFolder(folder);
  const path = join(folder, 'adapter_model.safetensors');
  const list = [...matrices].map(([name, { shape, data }]) => ({ name, shape, data, dtype: 'F32' as const }));
  await writeSafetensors(path, list);
  writeFileSync(join(folder, 'adapter_config.json'), JSON.stringify(CONFIG));
  return hashFile(path);
}

/** A handover that was trained, to be spoiled. */
export interface TrainedHandover {
  readonly folder: string;
  readonly record: HandoverRecord;
  /** Changes a stage's report. */
  report(stage: number, change: (report: StageReport) => Partial<StageReport>): Promise<void>;
  /** Replaces the adapter after a stage, and says so in the stage's report. */
  adapter(stage: number, matrices: Matrices): Promise<void>;
}

async function stageOf(folder: string, stage: number): Promise<HandoverStage> {
  const put = async (path: string, text: string) => {
    mkdirSync(join(folder, 'rows'), { recursive: true });
    writeFileSync(join(folder, path), text);
    return { path, sha256: await hashFile(join(folder, path)) };
  };
  return {
    ...{ stage, label: `stage ${stage}`, rows: 7, replayed: 0, steps: STEPS },
    ...{ tokens: 40, trainedTokens: TRAINED, paddedTokens: 48, filled: 1 },
    plan: `${stage}`.repeat(64),
    planned: { rows: 7, sha256: 'c'.repeat(64) },
    schedule: {
      kind: 'cosine',
      learningRate: 2e-4,
      minLrRatio: 0,
      warmupSteps: 1,
      before: 0,
      steps: STEPS,
    },
    file: await put(rowsFile(stage), `{"stage":${stage}}\n`),
    list: await put(rowList(stage), '{}\n'),
    ...{ from: adapterFolder(stage - 1), to: adapterFolder(stage) },
  };
}

/** A handover of three small stages in a temporary folder, of which the first `trained` were trained well by TRL. */
export async function trainedHandover(trained = STAGES, engine: 'trl' | 'axolotl' = 'trl'): Promise<TrainedHandover> {
  const folder = temporaryFolder('handover');
  const sha256 = await putAdapter(join(folder, adapterFolder(0)), adapterMatrices());
  const stages: HandoverStage[] = [];
  for (let stage = 1; stage <= STAGES; stage++) stages.push(await stageOf(folder, stage));
  const record: HandoverRecord = {
    schema: 'phasetune/handover',
    version: 1,
    engine,
    made: '2026-11-29T00:00:00.000Z',
    versions: {},
    source: { kind: 'recipe', path: 'recipe.yaml' },
    begunIn: folder,
    recipe: {},
    order: 'phased',
    seed: 0,
    inputs: { model: { path: 'model', files: {} }, data: { path: 'staged', manifest: 'e'.repeat(64) } },
    training: {
      ...{ precision: 'float32', attention: 'eager', gradientCheckpointing: false },
      ...{ processes: 1, rowsPerProcess: 2, accumulation: 1, rowsPerStep: 2 },
      ...{ betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0, maxGradNorm: 1 },
    },
    firstAdapter: { path: adapterFolder(0), sha256 },
    stages,
    differences: [],
  };
  await writeHandoverRecord(folder, record);
  const reports = new Map<number, StageReport>();
  const write = async (stage: number, report: StageReport) => {
    reports.set(stage, report);
    await writeJson(join(folder, stageReport(stage)), report);
  };
  let input = sha256;
  for (const stage of stages.slice(0, trained)) {
    const output = await putAdapter(join(folder, stage.to), adapterMatrices(stage.stage));
    if (engine === 'trl') await write(stage.stage, reportOf(record, stage, input, output));
    input = output;
  }
  const report: TrainedHandover['report'] = (stage, change) =>
    write(stage, { ...reports.get(stage)!, ...change(reports.get(stage)!) });
  const adapter: TrainedHandover['adapter'] = async (stage, matrices) => {
    const output = await putAdapter(join(folder, adapterFolder(stage)), matrices);
    await report(stage, (old) => ({ output: { ...old.output, sha256: output } }));
    if (reports.has(stage + 1)) await report(stage + 1, (old) => ({ input: { ...old.input, sha256: output } }));
  };
  return { folder, record, report, adapter };
}

function reportOf({ training }: HandoverRecord, stage: HandoverStage, input: string, output: string): StageReport {
  const rates = plannedRates(stage);
  return {
    schema: 'phasetune/handover-stage',
    version: 1,
    stage: stage.stage,
    engine: 'trl',
    versions: { trl: '1.16.0' },
    device: 'cpu',
    processes: training.processes,
    precision: training.precision,
    rows: stage.file.sha256,
    input: { path: stage.from, sha256: input },
    output: { path: stage.to, sha256: output },
    trainable: 44,
    started: '2026-11-29T00:00:00.000Z',
    finished: '2026-11-29T00:00:04.000Z',
    seconds: 4,
    steps: rates.map((learningRate, i) => ({
      ...{ step: i + 1, loss: 3 - i / 10, learningRate, gradNorm: 1, seconds: 1 },
      trainedTokens: i === STEPS - 1 ? 3 : 6,
    })),
  };
}
