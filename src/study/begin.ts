import { join, resolve } from 'node:path';
import { dataError } from '../core/errors.js';
import { hashOf } from '../core/hash.js';
import { jsonText } from '../core/json-text.js';
import { reporting } from '../core/task.js';
import { writeFileAtomic } from '../io/atomic.js';
import { makeFolder, remove } from '../io/files.js';
import { checkSchema } from '../io/json.js';
import { writeJsonLines } from '../io/jsonl.js';
import { hide } from '../telemetry/redact.js';
import type { AskHooks, Hooks } from '../workflow/hooks.js';
import { openRunPlanner, type RunPlanner } from '../workflow/plan-runs.js';
import { analysisOf } from './analysis.js';
import type { Cell } from './cell.js';
import type { StudyEvent } from './events.js';
import { hashInputs, versionsNow } from './inputs.js';
import { decidePinned, type PinnedPrecision } from './pin-precision.js';
import { type PlanInputs, type PlannedCells, planCells } from './plan-cells.js';
import type { ResolvedStudy } from './resolve.js';
import { checkSets, makeSets } from './sets.js';
import type { StudyFile } from './study-file.js';
import { type Study, type StudyRecord, studyPaths, studyRecordSchema } from './study-record.js';
import { checkWinRates } from './win-rate-plan.js';

/** Stages the sets of a new study, plans its cells and registers it. */
export async function* beginStudy(
  folder: string,
  resolved: ResolvedStudy,
  hooks: AskHooks,
): AsyncGenerator<StudyEvent, Study> {
  const planner = openRunPlanner(hooks);
  try {
    const inputs = await hashInputs(resolved, planner);
    await checkWinRates({ record: { study: resolved.study, begunIn: resolve() }, cells: resolved.cells }, hooks);
    await makeFolder(folder);
    // What an earlier start left may be of other options.
    for (const part of ['holdouts', 'staged', 'cells.jsonl']) await remove(join(folder, part));
    yield* makeSets(folder, resolved.sets, resolved.setOptions, hooks);
    const manifests = await checkSets(folder, resolved.sets);
    const precision = await decidePinned(resolved.study, resolved.cells, hooks);
    const planned = yield* planning(resolved, { folder, planner, inputs, manifests, precision }, hooks);
    const study = withTime(resolved.study, planned.cells);
    const record: StudyRecord = {
      schema: 'phasetune/study',
      version: 1,
      created: new Date().toISOString(),
      versions: versionsNow(),
      begunIn: resolve(),
      study,
      hash: studyHash(study, inputs),
      inputs,
      analysis: analysisOf(study),
      budget: planned.budget,
      ...(precision && { precision }),
      extended: [],
      forced: [],
    };
    await writeJsonLines(studyPaths(folder).cells, planned.cells.map(hide));
    await writeRecord(folder, record);
    return { folder, record: hide(record), cells: planned.cells.map(hide) };
  } finally {
    await planner.close();
  }
}

/** SHA-256 of what decides the results of a study: where cells run is no part of it. */
function studyHash({ executor: _, failures: __, ...study }: StudyFile, inputs: StudyRecord['inputs']): string {
  return hashOf({ study, inputs });
}

/** Writes `study.json` atomically and without secrets; what could not be read again does not replace the old one. */
export async function writeRecord(folder: string, record: StudyRecord): Promise<void> {
  const path = studyPaths(folder).record;
  const text = jsonText(hide(record), 2);
  checkSchema(JSON.parse(text), studyRecordSchema, path);
  await writeFileAtomic(path, `${text}\n`);
}

/** What the cells of a study are planned with. */
export interface PlanningInputs {
  readonly folder: string;
  readonly planner: RunPlanner;
  readonly inputs: StudyRecord['inputs'];
  /** Of the sets, by name. */
  readonly manifests: ReadonlyMap<string, string>;
  readonly budget?: number;
  /** The folder that relative paths start from, by default this one. */
  readonly from?: string;
  /** Cells that are registered already. */
  readonly registered?: readonly Cell[];
  /** What `precision: auto` is in all cells. */
  readonly precision: PinnedPrecision;
  readonly onPlan?: PlanInputs['onPlan'];
}

/** Plans cells and reports how far it is, and what a user should know about them. */
export async function* planning(
  { study, cells }: Pick<ResolvedStudy, 'study' | 'cells'>,
  { folder, planner, inputs, manifests, budget, registered, precision, from = resolve(), onPlan }: PlanningInputs,
  { signal }: Hooks,
): AsyncGenerator<StudyEvent, PlannedCells> {
  const { staged } = study.data!;
  const planned = yield* reporting<StudyEvent, PlannedCells>((report, left) => {
    const stop = signal ? AbortSignal.any([signal, left]) : left;
    const given: PlanInputs = {
      folder,
      planner,
      manifestOf: (set) => (set === null ? inputs.data[staged!] : manifests.get(set)),
      modelFiles: (model) => inputs.models[model] ?? {},
      budget,
      registered,
      precision,
      from,
      ...(onPlan && { onPlan }),
      onProgress(done, of) {
        stop.throwIfAborted();
        report({ type: 'prepare', doing: 'plan', done, of });
      },
    };
    return planCells(study, cells, given);
  });
  if ('held-out' in study.metric && planned.withoutHoldout !== undefined)
    throw dataError(
      `${planned.withoutHoldout}: no rows are held out of what it trains on, and the held-out loss is what is compared`,
      { remedies: [{ task: 'stage', note: 'again, with a hold-out' }] },
    );
  for (const message of planned.warnings) yield { type: 'warning', message };
  return planned;
}

/** The study with the time that the chat template prints in all rows: cells that are added later print the same. */
function withTime(study: StudyFile, cells: readonly Cell[]): StudyFile {
  const templateTime = cells.map(({ recipe }) => recipe.templateTime).find((time) => time !== undefined);
  return templateTime === undefined ? study : { ...study, base: { ...(study.base as object), templateTime } };
}
