import { join, resolve } from 'node:path';
import { version as nodeVersion } from 'node:process';
import { parseOptions } from '../config/given-options.js';
import type { Recipe } from '../config/recipe.js';
import { dataError } from '../core/errors.js';
import { version } from '../core/version.js';
import { writeFileAtomic, writeFolderAtomic } from '../io/atomic.js';
import { hashFile } from '../io/files.js';
import { writeJsonLines } from '../io/jsonl.js';
import { fingerprintModel } from '../model/fingerprint.js';
import { linearShapes } from '../model/parameters.js';
import { warmupSteps } from '../optim/schedule.js';
import { hide } from '../telemetry/redact.js';
import { changes } from '../train/changes.js';
import { consumed } from '../train/ledger.js';
import { type PreparedRun, prepareRun } from '../train/prepare.js';
import type { RunPlan, StagePlan } from '../train/run-plan.js';
import type { Hooks } from '../workflow/hooks.js';
import { differencesOf } from './differences.js';
import type { EnginePlan } from './engines/engine.js';
import { openEngine } from './engines/engines.js';
import { writeFirstAdapter } from './first-adapter.js';
import { type HandoverRecord, type HandoverStage, writeHandoverRecord } from './handover-record.js';
import { type HandoverInput, type HandoverOptions, handoverOptionsSchema } from './options.js';
import { adapterFolder, HANDOVER_FILES, rowList, rowsFile } from './paths.js';
import { type HandoverSource, readSource } from './read-source.js';
import { refuseOptions } from './refuse.js';
import { engineRow, fillRow, mostRows, placeRows } from './rows.js';

/** What was written. */
export interface HandedOver {
  readonly folder: string;
  readonly record: HandoverRecord;
  /** Files of the folder, relative to it. */
  readonly files: readonly string[];
  /** What is odd about model, rows or plan, in plain words. */
  readonly warnings: readonly string[];
}

/**
 * Writes the plan of a run for another engine: the tokens and labels of every optimizer step in order, the adapter that
 * `train` would begin with, the learning rates, and the engine's own program and configuration. The engine then needs
 * no option of ours. The folder appears whole or not at all. TensorFlow is not needed.
 *
 * A run's plan is made again and compared with what its `run.json` recorded. Throws usage errors for options that the
 * engine cannot follow, and data errors for inputs that are not what the run was made of.
 *
 * @example
 * const { record } = await handOver({ source: 'checkpoints/first', engine: 'trl', out: 'handover' });
 * for (const { stage, steps, filled } of record.stages) console.log(stage, steps, filled);
 */
export async function handOver(input: HandoverInput, hooks: Hooks = {}): Promise<HandedOver> {
  const options = parseOptions(handoverOptionsSchema, input);
  const engine = await openEngine(options.engine);
  const source = await readSource(options.source);
  const { recipe: asked } = source;
  const { signal, onProgress } = hooks;
  const prepared = await prepareRun(asked, {
    ...(signal && { signal }),
    onProgress: (done, total) =>
      onProgress?.({ label: 'encode', done, total, unit: 'rows', note: undefined, ended: done === total }),
  });
  try {
    const { plan, templateTime, model } = prepared;
    const recipe = templateTime === undefined ? asked : { ...asked, templateTime };
    refuseOptions(recipe, plan.stages);
    const inputs = await inputsOf(recipe, prepared);
    checkSame(options.source, source, plan, inputs);
    const record = draft(options, { ...source, recipe }, plan, inputs);
    const enginePlan: EnginePlan = {
      record,
      model: resolve(recipe.model),
      layerClass: model.config.model_type === 'mistral' ? 'MistralDecoderLayer' : 'LlamaDecoderLayer',
    };
    const differences = [...differencesOf(recipe, record), ...engine.differences(enginePlan)];
    const whole = await writeFolderAtomic(options.out, async (folder) => {
      const written = await writeContent(folder, { ...record, differences }, prepared);
      await writeHandoverRecord(folder, written);
      const files = await engine.files({ ...enginePlan, record: written });
      for (const { path, text } of files) await writeFileAtomic(join(folder, path), text);
      return { record: written, files: files.map(({ path }) => path) };
    });
    const warnings = [...prepared.warnings, ...fillWarnings(whole.record)];
    return { folder: options.out, ...whole, warnings };
  } finally {
    await prepared.model.close();
  }
}

type Inputs = HandoverRecord['inputs'];

const inputsOf = async ({ model, data }: Recipe, { set }: PreparedRun): Promise<Inputs> => ({
  model: { path: model, files: await fingerprintModel(model) },
  data: { path: data, manifest: set.hash },
});

/** Throws a data error unless the plan of a run, made again, is the one that it recorded. */
function checkSame(folder: string, { run }: HandoverSource, { stages }: RunPlan, inputs: Inputs): void {
  if (!run) return;
  const same = { versions: {}, recipe: {} };
  const changed = changes({ ...same, inputs: run.inputs }, { ...same, inputs });
  const differs = run.stages.find(
    (stage, i) => stage.plan !== stages[i]?.batches.hash || stage.planned.sha256 !== plannedOf(stages[i]).sha256,
  );
  if (changed.length === 0 && !differs && run.stages.length === stages.length) return;
  const why = changed.length > 0 ? changed.join('; ') : `the batches of stage ${differs?.stage ?? 1} are others`;
  throw dataError(
    `${folder}: the plan of this run cannot be made again from ${inputs.data.path} and ${inputs.model.path}: ${why}`,
    {
      file: folder,
      remedies: [{ advice: 'restore what has changed, or hand over a recipe file' }],
    },
  );
}

const plannedOf = ({ batches }: StagePlan) => consumed(batches.steps, batches.steps.length, []);

/** Hashes of files that are not written yet. */
const NOT_YET = '0'.repeat(64);

/** The record without hashes of files and without differences. */
function draft(
  options: HandoverOptions,
  { kind, recipe }: HandoverSource,
  plan: RunPlan,
  inputs: Inputs,
): HandoverRecord {
  const training = trainingOf(options, recipe, plan);
  const { holdout, order, seed } = plan;
  return hide({
    schema: 'phasetune/handover',
    version: 1,
    engine: options.engine,
    made: new Date().toISOString(),
    versions: { phasetune: version(), node: nodeVersion },
    source: { kind, path: options.source },
    begunIn: resolve(),
    recipe,
    order,
    seed,
    inputs,
    training,
    firstAdapter: { path: adapterFolder(0), sha256: NOT_YET },
    stages: plan.stages.map((stage) => stageOf(stage, recipe, training.rowsPerStep)),
    ...(holdout && {
      holdout: {
        file: { path: HANDOVER_FILES.HELD_OUT, sha256: NOT_YET },
        list: { path: HANDOVER_FILES.HELD_OUT_LIST, sha256: NOT_YET },
        rows: holdout.rows.length,
        bands: [...holdout.bands],
      },
    }),
    differences: [],
  });
}

function trainingOf(options: HandoverOptions, recipe: Recipe, { stages }: RunPlan): HandoverRecord['training'] {
  const { devices, batchRows, microBatches, optim } = recipe;
  const processes = options.processes ?? devices?.length ?? 1;
  const most = Math.max(...stages.map(({ batches }) => mostRows(batches.steps)));
  const atMost = options.rowsPerProcess ?? Math.ceil(batchRows / (microBatches * processes));
  const accumulation = Math.ceil(most / (processes * atMost));
  const rowsPerProcess = Math.ceil(most / (processes * accumulation));
  return {
    precision: options.precision ?? (recipe.precision === 'float32' ? 'float32' : 'bfloat16'),
    attention: options.attention,
    gradientCheckpointing: options.gradientCheckpointing ?? recipe.gradientCheckpointing ?? processes > 1,
    processes,
    rowsPerProcess,
    accumulation,
    rowsPerStep: processes * rowsPerProcess * accumulation,
    betas: optim.betas,
    eps: optim.eps,
    weightDecay: optim.weightDecay,
    maxGradNorm: optim.maxGradNorm,
  };
}

function stageOf(plan: StagePlan, { optim }: Recipe, rowsPerStep: number): HandoverStage {
  const { stage, summary, batches, schedule } = plan;
  const planned = plannedOf(plan);
  const { learningRate, minLrRatio, warmup } = optim;
  return {
    ...summary,
    plan: batches.hash,
    planned,
    schedule: {
      kind: optim.schedule,
      learningRate,
      minLrRatio,
      warmupSteps: warmupSteps(warmup, schedule.steps),
      ...schedule,
    },
    file: { path: rowsFile(stage), sha256: NOT_YET },
    list: { path: rowList(stage), sha256: NOT_YET },
    filled: batches.steps.length * rowsPerStep - planned.rows,
    from: adapterFolder(stage - 1),
    to: adapterFolder(stage),
  };
}

/** Writes rows and the first adapter; the record then has their hashes. */
async function writeContent(folder: string, record: HandoverRecord, prepared: PreparedRun): Promise<HandoverRecord> {
  const { plan, model } = prepared;
  const write = async ({ path }: { readonly path: string }, lines: Iterable<unknown>) => {
    await writeJsonLines(join(folder, path), lines);
    return { path, sha256: await hashFile(join(folder, path)) };
  };
  const stages: HandoverStage[] = [];
  for (const [i, stage] of record.stages.entries()) {
    const { steps } = plan.stages[i]!.batches;
    const { rowsPerStep } = record.training;
    const filler = fillRow(steps[0]!.microBatches[0]!.lines[0]![0]!.ids[0]!);
    const placed = [...placeRows(steps, rowsPerStep)];
    const file = await write(
      stage.file,
      mapLazily(placed, ({ row }) => (row ? engineRow(row) : filler)),
    );
    const list = await write(
      stage.list,
      mapLazily(placed, ({ row, step, epoch }) => ({ id: row?.id ?? null, step, epoch })),
    );
    stages.push({ ...stage, file, list });
  }
  const { recipe, seed, inputs, holdout } = record;
  const firstAdapter = await writeFirstAdapter(join(folder, adapterFolder(0)), {
    lora: (recipe as unknown as Recipe).lora,
    linears: linearShapes(model.config),
    seed,
    base: inputs.model.path,
  });
  if (!holdout || !plan.holdout) return { ...record, stages, firstAdapter };
  const byId = new Map(plan.rows.map((row) => [row.id, row]));
  const file = await write(
    holdout.file,
    plan.holdout.rows.map(({ id }) => engineRow(byId.get(id)!)),
  );
  const list = await write(holdout.list, plan.holdout.rows);
  return { ...record, stages, firstAdapter, holdout: { ...holdout, file, list } };
}

function* mapLazily<T, U>(items: Iterable<T>, map: (item: T) => U): Generator<U, void> {
  for (const item of items) yield map(item);
}

/** Share of lines that only fill, above which it is worth a word. */
const MUCH_FILLED = 0.25;

function fillWarnings({ stages, training }: HandoverRecord): string[] {
  const { processes, rowsPerProcess, rowsPerStep } = training;
  const filled = stages.reduce((n, stage) => n + stage.filled, 0);
  const lines = stages.reduce((n, { steps }) => n + steps * rowsPerStep, 0);
  if (filled <= MUCH_FILLED * lines) return [];
  return [
    `${Math.round((100 * filled) / lines)}% of the lines only fill steps up to ${rowsPerStep} rows (${processes} processes, ${rowsPerProcess} rows each together): processes wait for each other; \`batching: padded\` has steps of the same size, and a larger \`batchRows\` or \`accumulate\` gives each process more to do`,
  ];
}
