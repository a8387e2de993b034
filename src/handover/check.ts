import { join, resolve } from 'node:path';
import { PhasetuneError } from '../core/errors.js';
import { exists, hashFile } from '../io/files.js';
import { readRunEvents } from '../train/read-run-events.js';
import { type AdapterState, hasWeights, readAdapterState, type UnreadableAdapter } from './adapter-state.js';
import { adapterFindings, brief, scaleFindings } from './check-adapter.js';
import { evidenceFindings, evidenceNotes, plannedRates } from './check-evidence.js';
import { type HandoverRecord, type HandoverStage, readHandoverRecord } from './handover-record.js';
import type { EngineName } from './options.js';
import { stageReport } from './paths.js';
import { readEvidence, type StageEvidence } from './stage-evidence.js';
import { type Finding, finding } from './traps.js';

/** What became of a stage. */
export interface CheckedStage {
  readonly stage: number;
  readonly label: string;
  /** `trained`: all that can be checked is as planned. */
  readonly state: 'trained' | 'wrong' | 'not trained';
  /** What is wrong; empty unless `state` is `wrong`. */
  readonly findings: readonly Finding[];
  /** What is not wrong and yet to know: what the engine does not report, what it did otherwise. */
  readonly notes: readonly string[];
  readonly steps: { readonly planned: number; readonly made?: number };
  /** Of the first and of the last optimizer step, as the engine reported them. */
  readonly loss?: { readonly first: number; readonly last: number };
  /** Hash of the adapter's weights. */
  readonly sha256?: string;
}

/** What became of a handover. */
export interface HandoverCheck {
  readonly folder: string;
  readonly engine: EngineName;
  /** What is wrong with what was handed over. */
  readonly findings: readonly Finding[];
  readonly stages: readonly CheckedStage[];
  /** Nothing is wrong with any stage that was trained. */
  readonly ok: boolean;
  /** All stages are trained, and nothing is wrong. */
  readonly complete: boolean;
}

/**
 * Checks what another engine made of a handover, from files alone: that each stage really trained,
 * on the rows that were handed over, from the adapter of the stage before, with as many steps and
 * the learning rates that were planned. It can be called after any stage. A data error where there
 * is no handover, or a report is not what it must be.
 *
 * @example
 * const { ok, stages } = await checkHandover('handover');
 * for (const { stage, state, findings } of stages) console.log(stage, state, findings.map(({ problem }) => problem));
 */
export async function checkHandover(folder: string): Promise<HandoverCheck> {
  const record = await readHandoverRecord(folder);
  const first = await readAdapterState(join(folder, record.firstAdapter.path));
  const findings = await inputFindings(folder, record, first);
  const ownLoss = await ownFirstLoss(record);
  const done = record.stages.filter(({ to }) => hasWeights(join(folder, to))).map(({ stage }) => stage);
  const stages: CheckedStage[] = [];
  const given = 'unreadable' in first ? undefined : first;
  let before = given;
  for (const stage of record.stages) {
    const later = done.some((other) => other > stage.stage);
    const place = { folder, record, first: given, before, ownLoss: stage.stage === 1 ? ownLoss : undefined, later };
    const { checked, after } = await checkStage(place, stage);
    stages.push(checked);
    before = after;
  }
  const ok = findings.length === 0 && stages.every(({ state }) => state !== 'wrong');
  const { engine } = record;
  return { folder, engine, findings, stages, ok, complete: ok && stages.every(({ state }) => state === 'trained') };
}

/** What is wrong with the files that were handed over: nothing trained on others counts. */
async function inputFindings(
  folder: string,
  { firstAdapter, stages }: HandoverRecord,
  first: AdapterState | UnreadableAdapter,
): Promise<Finding[]> {
  const found: Finding[] = [];
  if ('unreadable' in first) found.push(unreadable(first));
  else if (first.sha256 !== firstAdapter.sha256)
    found.push(
      finding(
        'other first adapter',
        `${first.file}: expected the SHA-256 ${brief(firstAdapter.sha256)}, got ${brief(first.sha256)}`,
      ),
    );
  for (const { file } of stages) {
    const path = join(folder, file.path);
    const hash = exists(path) ? await hashFile(path) : undefined;
    if (hash === file.sha256) continue;
    const what =
      hash === undefined ? 'the file is missing' : `expected the SHA-256 ${brief(file.sha256)}, got ${brief(hash)}`;
    found.push(finding('other rows', `${path}: ${what}`));
  }
  return found;
}

const unreadable = ({ unreadable: why, problem }: UnreadableAdapter): Finding =>
  finding(why === 'missing' ? 'broken file' : why, problem);

/** Where a stage is checked. */
interface Place {
  readonly folder: string;
  readonly record: HandoverRecord;
  /** The adapter that was handed over; undefined where it cannot be read. */
  readonly first: AdapterState | undefined;
  /** The adapter that the stage began with; undefined where it cannot be read. */
  readonly before: AdapterState | undefined;
  /** Our own loss of its first step, where the run was trained here. */
  readonly ownLoss: number | undefined;
  /** Whether any stage after it has an adapter. */
  readonly later: boolean;
}

async function checkStage(
  place: Place,
  stage: HandoverStage,
): Promise<{ checked: CheckedStage; after: AdapterState | undefined }> {
  const { folder, record } = place;
  const evidence = await readEvidence(folder, record, stage.stage);
  const about = {
    stage: stage.stage,
    label: stage.label,
    steps: { planned: stage.steps, ...(evidence.made !== undefined && { made: evidence.made }) },
    ...lossOf(evidence),
  };
  if (!hasWeights(join(folder, stage.to))) {
    const found = untrainedFindings(place, stage, evidence);
    const state = found.length > 0 ? ('wrong' as const) : ('not trained' as const);
    return { checked: { ...about, state, findings: found, notes: [] }, after: undefined };
  }
  const after = await readAdapterState(join(folder, stage.to));
  const found = await trainedFindings(place, stage, evidence, after);
  const checked = {
    ...about,
    state: found.length > 0 ? ('wrong' as const) : ('trained' as const),
    findings: found,
    notes: notesOf(place, evidence, after),
    ...('unreadable' in after ? {} : { sha256: after.sha256 }),
  };
  return { checked, after: 'unreadable' in after ? undefined : after };
}

/** The losses of the first and the last step that were reported. */
function lossOf({ steps }: StageEvidence): Pick<CheckedStage, 'loss'> {
  const [first, last] = [steps[0]?.loss, steps.at(-1)?.loss];
  return first === undefined || last === undefined ? {} : { loss: { first, last } };
}

function untrainedFindings({ folder, later }: Place, { stage, to }: HandoverStage, { file }: StageEvidence): Finding[] {
  const path = join(folder, to);
  if (later) return [finding('skipped stage', `stage ${stage} has no adapter (${path}), a later stage has one`)];
  return file === stageReport(stage) ? [finding('broken file', `${path}: no adapter, though ${file} is there`)] : [];
}

async function trainedFindings(
  { folder, record, first, before, ownLoss }: Place,
  stage: HandoverStage,
  evidence: StageEvidence,
  after: AdapterState | UnreadableAdapter,
): Promise<Finding[]> {
  const found = evidenceFindings(evidence, stage, ownLoss);
  // An engine that is interrupted may save what it has: an adapter alone proves nothing.
  if (evidence.file === undefined)
    found.push(finding('no report', `${join(folder, stage.to)} is there, ${stageReport(stage.stage)} is not`));
  if ('unreadable' in after) return [...found, unreadable(after)];
  found.push(...(await scaleFindings(join(folder, stage.to), join(folder, record.firstAdapter.path))));
  const frozen = found.some(({ trap }) => trap === 'frozen adapter');
  const moved = plannedRates(stage).filter((rate) => rate > 0).length;
  const matrices = adapterFindings(after, { first, before }, moved);
  // One reason is enough where nothing was trainable.
  found.push(...matrices.filter(({ trap }) => !frozen || (trap !== 'frozen adapter' && trap !== 'same file')));
  return [...found, ...hashFindings(evidence, after, before)];
}

/** Whether the hashes that the engine recorded are those of the files. */
function hashFindings(
  { file, report }: StageEvidence,
  after: AdapterState,
  before: AdapterState | undefined,
): Finding[] {
  if (!report) return [];
  const found: Finding[] = [];
  if (before && report.input.sha256 !== before.sha256)
    found.push(
      finding(
        'other input',
        `${file}: the stage began with an adapter of SHA-256 ${brief(report.input.sha256)}; ${before.file} has ${brief(before.sha256)}`,
      ),
    );
  if (report.output.sha256 !== after.sha256)
    found.push(
      finding(
        'changed later',
        `${after.file}: the stage saved the SHA-256 ${brief(report.output.sha256)}, the file has ${brief(after.sha256)}`,
      ),
    );
  return found;
}

function notesOf({ record }: Place, evidence: StageEvidence, after: AdapterState | UnreadableAdapter): string[] {
  const notes = evidenceNotes(evidence, record);
  if (evidence.file !== undefined && !evidence.report) {
    notes.push(
      'the engine records neither which adapter the stage began with, nor which rows it read, nor how it averaged the loss of a step',
    );
  }
  if ('unreadable' in after) return notes;
  const rounded = [...after.matrices.values()].find(({ dtype }) => dtype === 'BF16' || dtype === 'F16');
  if (rounded) notes.push(`the adapter was saved as ${rounded.dtype}, so that it is rounded after every stage`);
  return notes;
}

/** The loss of the run's first step where it was trained here before it was handed over. */
async function ownFirstLoss({ source, begunIn }: HandoverRecord): Promise<number | undefined> {
  if (source.kind === 'recipe') return undefined;
  const path = resolve(begunIn, source.path);
  try {
    for await (const event of readRunEvents(source.kind === 'cell' ? join(path, 'run') : path))
      if (event.type === 'step') return event.stage === 1 && event.step === 1 ? event.loss : undefined;
  } catch (error) {
    // A run that cannot be read is no matter of this check.
    if (!(error instanceof PhasetuneError)) throw error;
  }
  return undefined;
}
