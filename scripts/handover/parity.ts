import { execFile } from 'node:child_process';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { hashOf } from '../../src/core/hash.js';
import { readStaged } from '../../src/curriculum/manifest.js';
import { encodeRows } from '../../src/data/encode-rows.js';
import { encodeOptionsSchema } from '../../src/data/options.js';
import { ACCELERATE } from '../../src/handover/engines/accelerate.js';
import { handOver } from '../../src/handover/hand-over.js';
import {
  type HandoverRecord,
  readHandoverRecord,
  rowLineSchema,
  type StageReport,
  stageReportSchema,
} from '../../src/handover/handover-record.js';
import { engineRow } from '../../src/handover/rows.js';
import { exists } from '../../src/io/files.js';
import { readJson } from '../../src/io/json.js';
import { readJsonLines } from '../../src/io/jsonl.js';
import { readAdapter } from '../../src/lora/peft-files.js';
import { openModelFolder } from '../../src/model/load.js';
import { linearShapes } from '../../src/model/parameters.js';
import { loadTokenizer } from '../../src/tokenizer/tokenizer.js';
import { readRunEvents } from '../../src/train/read-run-events.js';
import { readRunFile } from '../../src/train/run-file.js';
import { train } from '../../src/workflow/train.js';
import type { TrainingInput } from '../../src/workflow/train-options.js';

/** A number that was compared, and the most it may be. */
export interface Compared {
  readonly what: string;
  readonly found: number;
  readonly limit: number;
}

/** What is compared, and with which Python. */
export interface ParityOptions {
  /** A Python that has TRL in the versions of a handover. */
  readonly python: string;
  readonly model: string;
  /** A staged folder. */
  readonly data: string;
  /** For the run and the handovers; what is done in it already is not done again. */
  readonly folder: string;
  /** Optimizer steps of each stage. */
  readonly steps: number;
  readonly learningRate: number;
  /** Is given a line when something begins. */
  readonly onProgress?: (line: string) => void;
}

/** How far apart the numbers of our run and of TRL's stages may be, as docs/handover.md promises them. */
const LIMITS = {
  base: 1e-5,
  firstLoss: 1e-5,
  firstNorm: 1e-4,
  losses: 1e-4,
  matrices: 1e-3,
  heldOut: 1e-3,
  rates: 1e-9,
  processes: 1e-5,
} as const;

/** Losses that are compared one by one. */
const FIRST = 20;

/**
 * Trains the same three stages here and with TRL, on the processor in float32 with eager attention,
 * and one stage again in two processes, with a copy of the model in each and with its shards, and
 * compares every number that docs/handover.md promises.
 */
export async function compareWithTrl(options: ParityOptions): Promise<Compared[]> {
  const { python, model, data, folder, steps, learningRate, onProgress = () => {} } = options;
  const run = join(folder, 'run');
  onProgress('training here');
  const recipe: TrainingInput = {
    model,
    data,
    out: run,
    steps,
    batchRows: 6,
    seed: 3,
    precision: 'float32',
    device: 'cpu',
    lora: { rank: 8, alpha: 16 },
    optim: { learningRate, weightDecay: 0.01, minLrRatio: 0.1 },
  };
  await train({ ...recipe, resume: true }).result;
  const one = join(folder, 'one');
  const handed = { engine: 'trl', attention: 'eager', gradientCheckpointing: false, processes: 2 } as const;
  for (const out of [one, ...TOGETHER.map(({ name }) => join(folder, name))])
    if (!exists(out)) await handOver({ source: run, out, ...handed });
  const record = await readHandoverRecord(one);
  const scratch = join(folder, 'scratch');
  for (const { stage } of record.stages) {
    onProgress(`TRL: stage ${stage}, one process`);
    if (!exists(join(one, `stage-${stage}.json`)))
      await trainStage(python, ['train.py', '--stage', String(stage)], one, scratch);
  }
  const compared = [await differentRows(one, options), ...(await differentNumbers(run, one, model))];
  for (const how of TOGETHER) {
    onProgress(`TRL: stage 1, ${how.what}`);
    const several = join(folder, how.name);
    if (!exists(join(several, 'stage-1.json')))
      await trainStage(python, [...how.launch, 'train.py', '--stage', '1'], several, scratch);
    compared.push(...(await differentProcesses(how, one, several, model)));
  }
  return compared;
}

/** accelerate would not shard on the processor; this folder's `sitecustomize.py` lets it. */
const SHARDING = fileURLToPath(new URL('sharding', import.meta.url));

/** How two processes train together. */
interface Together {
  /** Of their folder. */
  readonly name: string;
  readonly what: string;
  /** What comes before `train.py`. */
  readonly launch: readonly string[];
  /** What accelerate calls it. */
  readonly distributed: string;
}

const TOGETHER = [
  {
    name: 'copies',
    what: 'two processes',
    launch: ['-m', 'torch.distributed.run', '--standalone', '--nproc-per-node', '2'],
    distributed: 'MULTI_CPU',
  },
  {
    name: 'shards',
    what: 'two processes by FSDP2',
    launch: ['-m', 'accelerate.commands.launch', '--config_file', ACCELERATE.FSDP2],
    distributed: 'FSDP',
  },
] as const satisfies readonly Together[];

/**
 * One thread: threads that wait for each other are what takes the time on a busy processor. torch leaves folders where
 * temporary files are.
 */
async function trainStage(python: string, args: readonly string[], cwd: string, scratch: string): Promise<void> {
  await mkdir(scratch, { recursive: true });
  const env = {
    ...process.env,
    OMP_NUM_THREADS: process.env.OMP_NUM_THREADS ?? '1',
    HF_HUB_OFFLINE: '1',
    HF_DATASETS_CACHE: join(scratch, 'datasets'),
    TMPDIR: scratch,
    PYTHONPATH: SHARDING,
    TOKENIZERS_PARALLELISM: 'false',
  };
  await promisify(execFile)(python, [...args], { cwd, env, maxBuffer: 1 << 28 });
}

/** Rows whose ids or labels are not those that `inspect rows` shows. */
async function differentRows(folder: string, { model, data }: ParityOptions): Promise<Compared> {
  const record = await readHandoverRecord(folder);
  const set = await readStaged(data);
  const records = [...set.stages.flatMap(({ rows }) => rows), ...set.holdout];
  const { rows } = await encodeRows(records, await loadTokenizer(model), encodeOptionsSchema.parse({}));
  const expected = new Map(rows.map((row) => [row.id, hashOf(engineRow(row))]));
  let different = 0;
  for (const { file, list } of record.stages) {
    const ids: (string | null)[] = [];
    for await (const { value } of readJsonLines(join(folder, list.path))) ids.push(rowLineSchema.parse(value).id);
    let line = 0;
    for await (const { value } of readJsonLines(join(folder, file.path))) {
      const id = ids[line++];
      if (id != null && hashOf(value) !== expected.get(id)) different++;
    }
  }
  return { what: 'rows with other ids or labels', found: different, limit: 0 };
}

const reportOf = (folder: string, stage: number): Promise<StageReport> =>
  readJson(join(folder, `stage-${stage}.json`), stageReportSchema);

/** A step as the run reported it. */
interface OwnStep {
  readonly stage: number;
  readonly loss: number;
  readonly gradNorm: number;
  readonly learningRate: number;
}

async function ownSteps(run: string): Promise<OwnStep[]> {
  const steps: OwnStep[] = [];
  for await (const event of readRunEvents(run)) if (event.type === 'step') steps.push(event);
  return steps;
}

async function differentNumbers(run: string, folder: string, model: string): Promise<Compared[]> {
  const file = await readRunFile(run);
  const steps = await ownSteps(run);
  const record = await readHandoverRecord(folder);
  const reports: StageReport[] = [];
  for (const { stage } of record.stages) reports.push(await reportOf(folder, stage));
  const first = reports[0]!;
  const ours = steps.filter(({ stage }) => stage === 1);
  const pairs = first.steps.slice(0, FIRST).map(({ loss }, i) => Math.abs(loss - ours[i]!.loss));
  const rates = reports.flatMap(({ steps: made }, i) => {
    const own = steps.filter(({ stage }) => stage === i + 1);
    return made.map(({ learningRate }, step) => Math.abs(learningRate - own[step]!.learningRate));
  });
  const heldOut = (after: number) => file.matrix!.rows.find((row) => row.after === after)!.all;
  const norms = Math.abs(first.steps[0]!.gradNorm - ours[0]!.gradNorm) / ours[0]!.gradNorm;
  return [
    { what: 'held-out loss of the base', found: Math.abs(first.heldOut!.before! - heldOut(0)), limit: LIMITS.base },
    { what: 'loss of the first step', found: pairs[0]!, limit: LIMITS.firstLoss },
    { what: 'gradient norm of the first step, relative', found: norms, limit: LIMITS.firstNorm },
    { what: `largest difference of the first ${pairs.length} losses`, found: Math.max(...pairs), limit: LIMITS.losses },
    {
      what: 'matrices after stage 1, share of their largest element',
      found: await differentMatrices(join(run, file.stages[0]!.end!.path), join(folder, 'adapter-1'), model),
      limit: LIMITS.matrices,
    },
    ...reports.map(({ stage, heldOut: measured }) => ({
      what: `held-out loss after stage ${stage}`,
      found: Math.abs(measured!.after - heldOut(stage)),
      limit: LIMITS.heldOut,
    })),
    { what: 'largest difference of all learning rates', found: Math.max(...rates), limit: LIMITS.rates },
    { what: 'stages that began with another adapter', found: otherAdapters(record, reports), limit: 0 },
  ];
}

/** Stages that did not begin with what the stage before ended with. */
const otherAdapters = ({ firstAdapter }: HandoverRecord, reports: readonly StageReport[]): number =>
  reports.filter(({ input }, i) => input.sha256 !== (reports[i - 1]?.output.sha256 ?? firstAdapter.sha256)).length;

/** The largest difference of an element of two adapters, as a share of its matrix's largest. */
async function differentMatrices(one: string, other: string, model: string): Promise<number> {
  const opened = await openModelFolder(model);
  try {
    const linears = linearShapes(opened.config);
    const [ours, theirs] = [await readAdapter(one, linears), await readAdapter(other, linears)];
    let most = 0;
    for (const [name, { data }] of ours.tensors) {
      const matrix = theirs.tensors.get(name)!.data;
      let [largest, difference] = [0, 0];
      for (let i = 0; i < data.length; i++) {
        largest = Math.max(largest, Math.abs(data[i]!));
        difference = Math.max(difference, Math.abs(data[i]! - matrix[i]!));
      }
      most = Math.max(most, difference / largest);
    }
    return most;
  } finally {
    await opened.close();
  }
}

async function differentProcesses(how: Together, one: string, several: string, model: string): Promise<Compared[]> {
  const [alone, together] = [await reportOf(one, 1), await reportOf(several, 1)];
  if (together.processes !== 2 || together.distributed !== how.distributed)
    throw new Error(
      `${several}: expected 2 processes, ${how.distributed}, found ${together.processes}, ${together.distributed}`,
    );
  const losses = alone.steps.map(({ loss }, i) => Math.abs(loss - together.steps[i]!.loss));
  return [
    { what: `largest difference of the losses of ${how.what}`, found: Math.max(...losses), limit: LIMITS.processes },
    {
      what: `matrices after stage 1 of ${how.what}, share of their largest element`,
      found: await differentMatrices(join(one, 'adapter-1'), join(several, 'adapter-1'), model),
      limit: LIMITS.matrices,
    },
    {
      what: `held-out loss after stage 1 of ${how.what}`,
      found: Math.abs(alone.heldOut!.after - together.heldOut!.after),
      limit: LIMITS.heldOut,
    },
  ];
}

/** Removes what a comparison wrote. */
export const removeParity = (folder: string): Promise<void> => rm(folder, { recursive: true, force: true });
