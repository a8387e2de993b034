import type { FolderHolder } from '../../io/lock-file.js';
import type { PageBlock } from '../../report/page.js';
import { formatBytes, formatCount, formatDuration, formatNumber } from '../../telemetry/format.js';
import type { StageSummary } from '../../train/events.js';
import type { RunFile } from '../../train/run-file.js';
import type { RunHistory, StepPoint } from '../../train/run-history.js';

/** What is known of a run from outside. */
export interface RunFacts {
  readonly history: RunHistory;
  /** Absent while there is no `run.json`. */
  readonly run?: RunFile | undefined;
  /** Who holds the folder, or held it until its death. */
  readonly holder?: FolderHolder | undefined;
  /** Memory of that process in bytes, where it is one of this machine. */
  readonly memory?: number | undefined;
  /** When events were last written, in ms since 1970. */
  readonly writtenMs?: number | undefined;
}

/**
 * Where a run stands. `unknown`: nothing of it is there yet. `preparing`: a process holds the
 * folder, nothing is trained.
 */
export type RunState = 'unknown' | 'preparing' | 'running' | 'done' | 'interrupted' | 'failed';

/** Where a run stands, worked out from its files and its lock: a killed run's own file says `running` for ever. */
export function runStateOf({ history, run, holder }: RunFacts): RunState {
  const alive = holder !== undefined && holder.standing !== 'gone';
  if (alive) return history.start ? 'running' : 'preparing';
  if (!run) return 'unknown';
  return run.status === 'running' ? 'interrupted' : run.status;
}

/** How far a run is. */
export interface RunProgress {
  /** Steps of the whole run made and planned, those of the stages before included. */
  readonly step: number;
  readonly steps: number;
  /** Share of the tokens that go through the model, from 0 to 1. */
  readonly share: number;
  /** Seconds from the last step on, by the pace since the run was begun or resumed; undefined where it is not known. */
  readonly secondsLeft?: number | undefined;
}

/** How far a run is; undefined before its stages are known. */
export function progressOf({ history, run }: Pick<RunFacts, 'history' | 'run'>): RunProgress | undefined {
  const { start, steps, end } = history;
  if (!start) return undefined;
  const all = start.stages.reduce((n, { tokens }) => n + tokens, 0);
  const last = steps.at(-1);
  const done = last ? tokensUpTo(start.stages, last) : 0;
  const share = end ? 1 : all === 0 ? 0 : Math.min(1, done / all);
  const planned = start.stages.reduce((n, { steps }) => n + steps, 0);
  const progress = { step: last?.step ?? 0, steps: planned, share };
  // The pace is that since the run was last resumed; what lies before is not work of this process.
  const resumed = Date.parse(run?.resumed?.at(-1)?.time ?? '');
  const first = steps.find(({ time }) => !(Date.parse(time) < resumed));
  if (!first || !last || last.step <= first.step) return progress;
  const pace = (Date.parse(last.time) - Date.parse(first.time)) / (done - tokensUpTo(start.stages, first));
  return { ...progress, secondsLeft: Math.max(0, (all - done) * pace) / 1000 };
}

/** Tokens up to a step, about: those of a stage are spread evenly over its steps. A step costs what its tokens do. */
function tokensUpTo(stages: readonly StageSummary[], { stage, step }: StepPoint): number {
  let [tokens, before] = [0, 0];
  for (const each of stages) {
    if (each.stage === stage) return tokens + (each.tokens * (step - before)) / Math.max(1, each.steps);
    tokens += each.tokens;
    before += each.steps;
  }
  return tokens;
}

/** Steps that the speed which is shown is of. */
const RECENT = 20;

/** Tokens per second over the last steps: one alone varies much. */
function recentSpeed(steps: RunHistory['steps']): number {
  const recent = steps.slice(-RECENT);
  return recent.length / recent.reduce((sum, { tokensPerSecond }) => sum + 1 / tokensPerSecond, 0);
}

/** A sign of life that is older is said to be. */
const SILENT_MS = 60_000;

/** When the run last gave a sign of life, in ms since 1970: an event, or the heartbeat of its lock. */
const lastSign = ({ history, holder, writtenMs }: RunFacts): number =>
  Math.max(history.last ? Date.parse(history.last) : 0, holder?.seenMs ?? 0, writtenMs ?? 0);

/** The state in a few words. */
export function stateInWords(facts: RunFacts): string {
  const state = runStateOf(facts);
  if (state === 'unknown') return 'nothing is there yet';
  const { stages = [], start } = facts.history;
  const stage = stages.at(-1);
  if (state !== 'running' || !stage || !start) return state;
  return start.stages.length > 1 ? `running, stage ${stage.stage} of ${start.stages.length}` : 'running';
}

const WORDS: Readonly<Record<RunState, string>> = {
  unknown: 'Nothing is there yet. The page waits for the first file of a run or of a study.',
  preparing: 'The run is being prepared: rows are encoded, the model is loaded, the program is built.',
  running: 'The run is under way.',
  done: 'The run is done.',
  interrupted: 'The run was interrupted: no process works on it. Trained again with `resume`, it continues.',
  failed: 'The run failed.',
};

/** The blocks that say where a run stands, at the time `now` in ms since 1970. */
export function stateBlocks(facts: RunFacts, now: number): PageBlock[] {
  const state = runStateOf(facts);
  const silent = now - lastSign(facts);
  const alive = state === 'running' || state === 'preparing';
  const why = facts.run?.error !== undefined && !alive ? ` ${facts.run.error}` : '';
  const tone = state === 'failed' ? 'error' : state === 'interrupted' ? 'warning' : 'answer';
  const blocks: PageBlock[] = [{ kind: 'note', tone, text: `${WORDS[state]}${why}` }];
  if (alive && silent > SILENT_MS) {
    const minutes = formatDuration(Math.floor(silent / SILENT_MS) * 60);
    blocks.push({ kind: 'note', tone: 'warning', text: `No sign of life for more than ${minutes}.` });
  }
  const progress = progressOf(facts);
  if (progress) blocks.push({ kind: 'progress', label: 'Training', share: progress.share });
  if (state !== 'unknown') blocks.push({ kind: 'facts', facts: factsOf(facts, alive) });
  return blocks;
}

const UNKNOWN = 'not known';

function factsOf(facts: RunFacts, alive: boolean): [string, string][] {
  const { history, run, holder } = facts;
  const { start, stages, steps, heldOut } = history;
  const progress = progressOf(facts);
  const stage = stages.at(-1);
  const [step, held] = [steps.at(-1), heldOut.at(-1)];
  const seen = lastSign(facts);
  const left = progress?.secondsLeft;
  return [
    ...(start && stage ? [['Stage', stage.label] as [string, string]] : []),
    ['Progress', progress ? `step ${formatCount(progress.step)} of ${formatCount(progress.steps)}` : UNKNOWN],
    ...(alive
      ? [['Time left', left === undefined ? UNKNOWN : `about ${formatDuration(left)}`] as [string, string]]
      : []),
    ['Speed', step ? `${formatNumber(recentSpeed(steps))} tokens/s` : UNKNOWN],
    ['Training loss', step ? step.loss.toFixed(4) : UNKNOWN],
    ['Held-out loss', held ? held.all.toFixed(4) : UNKNOWN],
    ...(alive ? [['Memory', memoryOf(facts)] as [string, string]] : []),
    ...(holder && alive ? [['Process', `${holder.pid} on ${holder.host}`] as [string, string]] : []),
    ['Started', run?.started ?? holder?.since ?? UNKNOWN],
    ...(run?.finished !== undefined && !alive ? [['Ended', run.finished] as [string, string]] : []),
    ...(run?.status === 'done' && !alive
      ? []
      : [['Last sign of life', seen === 0 ? UNKNOWN : new Date(seen).toISOString()] as [string, string]]),
  ];
}

function memoryOf({ memory, holder }: RunFacts): string {
  if (memory !== undefined) return `${formatBytes(memory)} of the process`;
  return holder?.standing === 'away' ? `${UNKNOWN}: its process is on ${holder.host}` : UNKNOWN;
}
