import { resolve } from 'node:path';
import { exists } from '../io/files.js';
import { writeJsonLines } from '../io/jsonl.js';
import { hide } from '../telemetry/redact.js';
import type { Hooks } from '../workflow/hooks.js';
import { openRunPlanner, type RunPlanner } from '../workflow/plan-runs.js';
import type { Additions } from './additions.js';
import { analysisOf } from './analysis.js';
import { planning, writeRecord } from './begin.js';
import { type Cell, groupOf } from './cell.js';
import { cellStates } from './cell-states.js';
import { compareWith, refuseChanges } from './compare-study.js';
import type { StudyEvent } from './events.js';
import { hashInputs, versionsNow } from './inputs.js';
import type { DraftCell } from './lay-out.js';
import { decidePinned } from './pin-precision.js';
import type { ResolvedStudy } from './resolve.js';
import { checkSets, makeSets } from './sets.js';
import { readStudy, type Study, type StudyRecord, studyPaths } from './study-record.js';

/** How a registered study may be continued. */
interface ContinueOptions {
  readonly out: string;
  readonly extend: boolean;
  readonly force: boolean;
}

/**
 * Continues the study in a folder, if it is the one that is described; with `extend` what is described more is added,
 * and with `force` inputs and versions may be others. Throws a usage error with every difference.
 */
export async function* continueStudy(
  resolved: ResolvedStudy,
  { out, extend, force }: ContinueOptions,
  hooks: Hooks,
): AsyncGenerator<StudyEvent, Study> {
  const study = await readStudy(out);
  const planner = openRunPlanner(hooks);
  try {
    const { now, found, registered, inputs, changed } = await compareWith(study, resolved, planner);
    refuseChanges(out, changed, found.added, { extend, force });
    const manifests = await checkSets(out, registered.sets);
    const forced = [...changed.inputs, ...changed.versions];
    for (const change of forced) yield { type: 'warning', message: `\`force\`: ${change}` };
    const record = forced.length > 0 ? await recordForced(out, study.record, inputs, forced) : study.record;
    const continued = { ...study, record };
    const whole =
      found.added.length > 0
        ? yield* extendStudy(continued, now, { found, planner, manifests }, hooks)
        : { ...continued, record: await moved(out, record) };
    const { executor, failures } = now.study;
    return { ...whole, record: { ...whole.record, study: { ...whole.record.study, executor, failures } } };
  } finally {
    await planner.close();
  }
}

/** Records that other inputs or versions were taken, and which; they count from now on. */
async function recordForced(
  folder: string,
  record: StudyRecord,
  inputs: StudyRecord['inputs'],
  changes: readonly string[],
): Promise<StudyRecord> {
  const forced = [...record.forced, { time: new Date().toISOString(), changes: [...changes] }];
  const changed = { ...record, versions: versionsNow(), inputs, forced };
  await writeRecord(folder, changed);
  return changed;
}

/** What a study is extended with. */
interface Extension {
  readonly found: Additions;
  readonly planner: RunPlanner;
  readonly manifests: ReadonlyMap<string, string>;
}

/**
 * Adds the cells that a study has more now. `cells.jsonl` is written before `study.json`, whose study says how many of
 * its lines count: cut off between the two, the study is as it was.
 */
async function* extendStudy(
  { folder, record, cells }: Study,
  resolved: ResolvedStudy,
  { found, planner, manifests }: Extension,
  hooks: Hooks,
): AsyncGenerator<StudyEvent, Study> {
  const drafts = newCells(cells, resolved.cells);
  const sets = resolved.sets.filter(({ name }) => !manifests.has(name));
  const inputs = hide(await hashInputs(resolved, planner, (path) => resolve(record.begunIn, path)));
  yield* makeSets(folder, sets, resolved.setOptions, hooks);
  const all = new Map([...manifests, ...(await checkSets(folder, sets))]);
  const { budget } = record;
  const precision = record.precision ?? (await decidePinned(resolved.study, drafts, hooks));
  const planned = yield* planning(
    { study: resolved.study, cells: drafts },
    { folder, planner, inputs, manifests: all, budget, registered: cells, precision, from: record.begunIn },
    hooks,
  );
  const whole = [...cells, ...planned.cells.map(hide)];
  const done = (await cellStates({ folder, record, cells })).filter(({ state }) => state === 'done').length;
  const extended: StudyRecord = {
    ...record,
    study: resolved.study,
    inputs,
    analysis: analysisOf(resolved.study),
    ...(precision && { precision }),
    extended: [...record.extended, { time: new Date().toISOString(), added: [...found.added], done }],
  };
  await writeJsonLines(studyPaths(folder).cells, whole);
  await writeRecord(folder, extended);
  return { folder, record: extended, cells: whole };
}

/** What makes a cell the one it is; its number and folder stay what they were. */
const keyOf = (cell: Pick<Cell, 'arm' | 'axes' | 'seed' | 'split'>): string =>
  [cell.arm, groupOf(cell), cell.seed, cell.split].join(', ');

function newCells(registered: readonly Cell[], drafts: readonly DraftCell[]): DraftCell[] {
  const known = new Set(registered.map(keyOf));
  return drafts
    .filter((draft) => !known.has(keyOf(draft)))
    .map((draft, i) => ({ ...draft, index: registered.length + i + 1 }));
}

/** The record of a study whose models are not where it was begun any more, but where it is continued. */
async function moved(folder: string, record: StudyRecord): Promise<StudyRecord> {
  const here = resolve();
  const models = Object.keys(record.inputs.models);
  const lost = models.some((model) => !exists(resolve(record.begunIn, model)));
  if (!lost || !models.every((model) => exists(resolve(here, model)))) return record;
  const changed = { ...record, begunIn: here };
  await writeRecord(folder, changed);
  return changed;
}
