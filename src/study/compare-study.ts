import { usageError } from '../core/errors.js';
import type { Remedy } from '../core/remedies.js';
import { hide } from '../telemetry/redact.js';
import { valueChanges } from '../train/changes.js';
import type { RunPlanner } from '../workflow/plan-runs.js';
import { type Additions, additions } from './additions.js';
import { foundFrom, hashInputs, versionsNow } from './inputs.js';
import { type ResolvedStudy, registeredStudy } from './resolve.js';
import type { StudyFile } from './study-file.js';
import type { Study, StudyRecord } from './study-record.js';

/** A study as it is described, beside the one that is registered. */
export interface ComparedStudy {
  /** As described, with what was decided when it was begun. */
  readonly now: ResolvedStudy;
  readonly found: Additions;
  /** Sets and cells of the registered one. */
  readonly registered: ResolvedStudy;
  /** Hashes of its inputs as they are. */
  readonly inputs: StudyRecord['inputs'];
  readonly changed: Differences;
}

/** Compares a study that is described with the one in a folder, and the inputs of that with what they were. */
export async function compareWith(
  { folder, record }: Study,
  resolved: ResolvedStudy,
  planner: RunPlanner,
): Promise<ComparedStudy> {
  const now = { ...resolved, study: hide(asRegistered(resolved.study, record.study)) };
  const found = additions(record.study, now.study);
  const registered = registeredStudy(folder, record);
  const inputs = hide(await hashInputs(registered, planner, foundFrom(record.begunIn)));
  return { now, found, registered, inputs, changed: differences(record, found.reduced, inputs) };
}

/** The study with what was decided when it was begun: the time that the template prints, and threads. */
function asRegistered(study: StudyFile, { base, executor }: StudyFile): StudyFile {
  const { templateTime } = base as { readonly templateTime?: string };
  const { threads = executor.threads } = study.executor;
  return {
    ...study,
    base: { ...(templateTime !== undefined && { templateTime }), ...(study.base as object) },
    executor: { ...study.executor, ...(threads !== undefined && { threads }) },
  };
}

/** What differs, one line each. */
export interface Differences {
  readonly study: readonly string[];
  readonly inputs: readonly string[];
  readonly versions: readonly string[];
}

function differences(record: StudyRecord, study: StudyFile, inputs: StudyRecord['inputs']): Differences {
  return {
    study: valueChanges(comparable(record.study), comparable(study)),
    inputs: [
      ...valueChanges(record.inputs.data, inputs.data),
      ...Object.keys({ ...record.inputs.models, ...inputs.models }).flatMap((model) =>
        valueChanges({ [model]: record.inputs.models[model] }, { [model]: inputs.models[model] }),
      ),
    ],
    versions: valueChanges({ version: record.versions }, { version: versionsNow() }),
  };
}

/** What of a study decides its results: everything but where cells run and when they are tried again. */
function comparable({ failures: _, ...study }: StudyFile) {
  const { precision, ...recipe } = study.base as { readonly precision?: string };
  // Studies from before there was `auto` do not name it.
  const base = { ...recipe, ...(precision !== 'auto' && { precision }) };
  return { ...study, base, executor: { threads: study.executor.threads } };
}

/** Lists all that differs and is not asked for, and says what would help. */
export function refuseChanges(
  folder: string,
  { study, inputs, versions }: Differences,
  added: readonly string[],
  { extend, force }: { readonly extend: boolean; readonly force: boolean },
): void {
  const other = [...inputs, ...versions];
  const refused = study.length > 0 || (other.length > 0 && !force) || (added.length > 0 && !extend);
  if (!refused) return;
  const all = [...study, ...other, ...(added.length > 0 ? [`added: ${added.join(', ')}`] : [])];
  const remedies: Remedy[] = [];
  if (study.length === 0 && added.length > 0 && !extend)
    remedies.push({ option: 'extend', change: 'set', note: 'to add to it; the results will say so' });
  if (study.length === 0 && other.length > 0 && !force)
    remedies.push({ option: 'force', change: 'set', note: 'to continue all the same; the results will say so' });
  throw usageError(`${folder}: the study there differs from this one: ${all.join('; ')}`, {
    file: folder,
    option: 'out',
    changes: all.join('; '),
    remedies: [...remedies, { option: 'out', change: 'set', note: 'to another folder' }],
  });
}
