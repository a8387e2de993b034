import { join, resolve } from 'node:path';
import { parseOptions } from '../config/given-options.js';
import { type Recipe, recipeSchema } from '../config/recipe.js';
import { dataError, usageError } from '../core/errors.js';
import { version } from '../core/version.js';
import { writeFolderAtomic, writeJson } from '../io/atomic.js';
import { copyFile, exists, makeFolder } from '../io/files.js';
import { writeJsonLines } from '../io/jsonl.js';
import type { Linears } from '../lora/adapter.js';
import { toPeftConfig } from '../lora/peft-config.js';
import { readAdapter } from '../lora/peft-files.js';
import { fingerprintModel } from '../model/fingerprint.js';
import { linearShapes } from '../model/parameters.js';
import { hide } from '../telemetry/redact.js';
import { changes } from '../train/changes.js';
import { ADAPTER_FILES } from '../train/checkpoint.js';
import { checkpointPath } from '../train/checkpoints.js';
import { writeHeldOutLosses } from '../train/held-out-losses.js';
import { consumed } from '../train/ledger.js';
import { type PreparedRun, prepareRun } from '../train/prepare.js';
import { speedOf } from '../train/progress.js';
import { checkRunFolder, type RunFile, type TrainedBy, writeRunFile } from '../train/run-file.js';
import type { Hooks } from '../workflow/hooks.js';
import { type CheckedStage, checkHandover, type HandoverCheck } from './check.js';
import { checkError } from './check-error.js';
import { readAllEvidence, trainedBy } from './engine-facts.js';
import { type HandoverRecord, readHandoverRecord } from './handover-record.js';
import { type ImportedRun, importedEvents, summaryOf } from './import-events.js';
import { type ImportHandoverInput, type ImportHandoverOptions, importHandoverOptionsSchema } from './import-options.js';
import type { MeasuredStages } from './measure-stages.js';
import { HANDOVER_FILES, recordPath } from './paths.js';
import type { StageEvidence } from './stage-evidence.js';

/** What was brought back. */
export interface ImportedHandover {
  /** The run's folder. */
  readonly folder: string;
  readonly run: RunFile;
  readonly stages: readonly CheckedStage[];
  /** What is odd about model and rows, in plain words. */
  readonly warnings: readonly string[];
}

/**
 * Brings back what another engine made of a handover, as a run like any other: `run.json`, events with the engine's
 * losses, an adapter after each stage, held-out losses measured here. It is checked first, see `checkHandover`, and the
 * plan is made again and compared with what was handed over. The folder appears whole or not at all, and no run is
 * replaced. TensorFlow is needed to measure. Throws `failed` for a handover in which something is wrong, usage and data
 * errors of options and inputs.
 *
 * @example
 * const { run } = await importHandover({ folder: 'handover', out: 'checkpoints/from-trl' });
 * console.log(run.trainedBy?.engine, run.matrix?.rows.at(-1)?.all);
 */
export async function importHandover(input: ImportHandoverInput, hooks: Hooks = {}): Promise<ImportedHandover> {
  const options = parseOptions(importHandoverOptionsSchema, input);
  const { folder, out } = options;
  const record = await readHandoverRecord(folder);
  await checkRunFolder(out);
  const check = await checkHandover(folder);
  refuseIncomplete(check);
  const recipe = foundRecipe(folder, record, options);
  const { signal } = hooks;
  const prepared = await prepareRun(recipe, signal ? { signal } : {});
  try {
    await refuseOther(folder, record, recipe, prepared);
    const evidence = await readAllEvidence(folder, record);
    const by = await trainedBy(folder, record, evidence);
    const job = { folder, record, evidence, prepared, by };
    const measured = await measureIfAsked(job, options, recipe, hooks);
    const run = runOf(job, out, check.stages, measured);
    await writeFolderAtomic(out, (temporary) => writeRun(temporary, { ...job, run, losses: measured?.losses }));
    return { folder: out, run, stages: check.stages, warnings: prepared.warnings };
  } finally {
    await prepared.model.close();
  }
}

/** A handover that was trained, and all that is known of it. */
interface Job {
  readonly folder: string;
  readonly record: HandoverRecord;
  readonly evidence: readonly StageEvidence[];
  readonly prepared: PreparedRun;
  readonly by: TrainedBy;
}

function refuseIncomplete(check: HandoverCheck): void {
  const wrong = checkError(check);
  if (wrong) throw wrong;
  const left = check.stages.find(({ state }) => state === 'not trained');
  if (!left) return;
  throw dataError(`${check.folder}: stage ${left.stage} of ${check.stages.length} is not trained yet`, {
    file: check.folder,
    stage: left.stage,
    remedies: [{ advice: `train it: ${HANDOVER_FILES.RUN} continues with the first stage that is not done` }],
  });
}

/** The recipe of a handover with its inputs as they are found from here. */
function foundRecipe(folder: string, { recipe, begunIn }: HandoverRecord, given: ImportHandoverOptions): Recipe {
  const parsed = recipeSchema.safeParse(recipe);
  if (!parsed.success)
    throw dataError(`${folder}: its recipe is not one of this version: ${parsed.error.issues[0]!.message}`, {
      file: recordPath(folder),
    });
  const found = (option: 'model' | 'data') => {
    const other = given[option];
    if (other !== undefined) return other;
    const there = resolve(begunIn, parsed.data[option]);
    if (exists(there)) return there === resolve(parsed.data[option]) ? parsed.data[option] : there;
    if (exists(parsed.data[option])) return parsed.data[option];
    throw usageError(
      `${folder}: it was handed over with \`${option}: ${parsed.data[option]}\`; there is no ${there} now`,
      {
        file: there,
        option,
        remedies: [{ option, change: 'set', note: 'to where it is' }],
      },
    );
  };
  return { ...parsed.data, model: found('model'), data: found('data'), out: given.out };
}

/** Throws a data error unless model, data and plan are those that were handed over. */
async function refuseOther(
  folder: string,
  { inputs, stages }: HandoverRecord,
  { model, data }: Recipe,
  { plan, set }: PreparedRun,
): Promise<void> {
  const now = {
    model: { path: model, files: await fingerprintModel(model) },
    data: { path: data, manifest: set.hash },
  };
  const same = { versions: {}, recipe: {} };
  const changed = changes({ ...same, inputs }, { ...same, inputs: now });
  const other = stages.find((stage, i) => {
    const batches = plan.stages[i]?.batches;
    return (
      batches?.hash !== stage.plan || consumed(batches.steps, batches.steps.length, []).sha256 !== stage.planned.sha256
    );
  });
  if (changed.length === 0 && !other && plan.stages.length === stages.length) return;
  const why = changed.length > 0 ? changed.join('; ') : `the batches of stage ${other?.stage ?? 1} are others`;
  throw dataError(`${folder}: the plan that was handed over cannot be made again from ${data} and ${model}: ${why}`, {
    file: folder,
    remedies: [{ advice: 'restore what has changed since then' }],
  });
}

async function measureIfAsked(
  { folder, record, prepared }: Job,
  options: ImportHandoverOptions,
  recipe: Recipe,
  hooks: Hooks,
): Promise<MeasuredStages | undefined> {
  const { plan, model } = prepared;
  const { holdout } = plan;
  if (!options.measure || !holdout) return undefined;
  const linears = linearShapes(model.config);
  const adapter = async (stage: number) => {
    const path = stage === 0 ? record.firstAdapter.path : record.stages[stage - 1]!.to;
    return (await readAdapter(join(folder, path), linears)).tensors;
  };
  const { measureStages } = await import('./measure-stages.js');
  return measureStages({ recipe, model, holdout, adapter, stages: record.stages.length }, options, hooks);
}

/** `run.json` of what was brought back. */
function runOf(
  { record, evidence, prepared, by }: Job,
  out: string,
  checked: readonly CheckedStage[],
  measured: MeasuredStages | undefined,
): RunFile {
  const { order, seed, made, inputs } = record;
  const saved = checked.map(({ stage, steps, sha256 }) => ({
    path: checkpointPath(stage, steps.planned),
    sha256: sha256!,
  }));
  const stages = record.stages.map((stage, i): RunFile['stages'][number] => {
    const seconds = evidence[i]!.report?.seconds;
    const speed = seconds === undefined ? undefined : speedOf(stage.tokens, seconds);
    return {
      ...summaryOf(stage),
      plan: stage.plan,
      planned: stage.planned,
      origin: i === 0 ? { from: 'base' } : { from: 'previous-end', ...saved[i - 1]! },
      end: saved[i]!,
      best: saved[i]!,
      consumed: stage.planned,
      ...(seconds !== undefined && { seconds }),
      ...(speed !== undefined && { tokensPerSecond: speed }),
    };
  });
  const { holdout } = prepared.plan;
  const rows = measured?.losses.map(({ losses, all }, after) => ({ after, losses: [...losses], all }));
  const { model, data, ...recipe } = measured?.recipe ?? (record.recipe as Recipe);
  const begun = { model: (record.recipe as Recipe).model, data: (record.recipe as Recipe).data };
  return hide({
    schema: 'phasetune/run',
    version: 2,
    status: 'done',
    started: evidence[0]?.report?.started ?? made,
    finished: evidence.at(-1)?.report?.finished ?? new Date().toISOString(),
    versions: { ...(measured?.versions ?? { phasetune: version() }), ...by.versions, 'trained by': by.engine },
    begunIn: record.begunIn,
    recipe: { ...recipe, ...begun, out },
    trainedBy: by,
    order,
    seed,
    inputs,
    stages,
    ...(holdout && rows && { matrix: { bands: [...holdout.bands], rows } }),
    adapter: { path: 'adapter', sha256: saved.at(-1)!.sha256 },
    ...timesOf(evidence, record),
  }) as RunFile;
}

function timesOf(evidence: readonly StageEvidence[], { stages }: HandoverRecord) {
  const times = evidence.flatMap(({ report }) => (report ? [report.seconds] : []));
  if (times.length < stages.length) return {};
  const seconds = times.reduce((sum, each) => sum + each, 0);
  const speed = speedOf(
    stages.reduce((sum, { tokens }) => sum + tokens, 0),
    seconds,
  );
  return { seconds, trainingSeconds: seconds, ...(speed !== undefined && { tokensPerSecond: speed }) };
}

/** The folder where a run keeps what it was handed over with, and what the engine reported. */
const KEPT = 'handover';

async function writeRun(temporary: string, job: Job & ImportedRun): Promise<void> {
  const { folder, record, evidence, prepared, run, losses } = job;
  const linears = linearShapes(prepared.model.config);
  const last = record.stages.length - 1;
  for (const [i, stage] of record.stages.entries()) {
    const places = [run.stages[i]!.end!.path, ...(i === last ? [run.adapter!.path] : [])];
    for (const place of places) await putAdapter(join(folder, stage.to), join(temporary, place), linears, job);
  }
  for (const [after, { rows }] of (losses ?? []).entries()) await writeHeldOutLosses(temporary, after, rows);
  await makeFolder(join(temporary, KEPT));
  await copyFile(recordPath(folder), join(temporary, KEPT, HANDOVER_FILES.RECORD));
  for (const [i, { file }] of evidence.entries())
    if (file !== undefined) await copyFile(join(folder, file), join(temporary, KEPT, `stage-${i + 1}.json`));
  await writeJsonLines(join(temporary, 'events.jsonl'), importedEvents(job));
  await writeRunFile(temporary, run);
}

/** The engine's weights to the byte, with a configuration of ours, read back. */
async function putAdapter(from: string, to: string, linears: Linears, { record }: Job): Promise<void> {
  const [WEIGHTS, CONFIG] = ADAPTER_FILES;
  const { lora, model } = record.recipe as Recipe;
  await makeFolder(to);
  await copyFile(join(from, WEIGHTS), join(to, WEIGHTS));
  await writeJson(join(to, CONFIG), toPeftConfig(lora, linears, { name: model }));
  await readAdapter(to, linears);
}
