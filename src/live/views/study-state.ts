import type { FolderHolder } from '../../io/lock-file.js';
import type { GridCell, PageBlock, Section } from '../../report/page.js';
import { blockOf, type Cell, groupOf } from '../../study/cell.js';
import type { Attempt, CellState } from '../../study/state.js';
import { formatBytes, formatCount, formatCounted, formatDuration, formatNumber } from '../../telemetry/format.js';
import type { FollowedRun } from './follow-run.js';
import { progressOf } from './run-state.js';

/** A cell with its state, and its run where one was begun. */
export interface LiveCell {
  readonly cell: Cell;
  readonly state: CellState;
  readonly attempts: readonly Attempt[];
  readonly run?: FollowedRun | undefined;
}

/** What is known of a study from outside. */
export interface StudyFacts {
  readonly cells: readonly LiveCell[];
  /** The process that runs the study; undefined for none. */
  readonly holder?: FolderHolder | undefined;
}

/**
 * Where a study stands as a whole. `settled`: every cell is done or failed, nothing is left to run. `detached`: cells
 * run, or are queued on a scheduler, without a process that follows them.
 */
export type StudyState = 'running' | 'detached' | 'settled' | 'stopped' | 'waiting';

const isSettled = ({ state }: Pick<LiveCell, 'state'>): boolean => state.state === 'done' || state.state === 'failed';

/** Where a study stands; see {@link StudyState}. */
export function studyStateOf({ cells, holder }: StudyFacts): StudyState {
  if (holder) return 'running';
  if (cells.every(isSettled)) return 'settled';
  if (cells.some(({ state }) => state.state === 'running' || state.state === 'queued')) return 'detached';
  return cells.every(({ state }) => state.state === 'waiting') ? 'waiting' : 'stopped';
}

const ORDER = ['done', 'running', 'queued', 'interrupted', 'lost', 'failed', 'waiting'] as const;

/** `3 done, 1 running, 8 waiting`. */
function countsInWords(cells: readonly LiveCell[]): string {
  const count = (name: string) => cells.filter(({ state }) => state.state === name).length;
  return ORDER.filter((name) => count(name) > 0)
    .map((name) => `${formatCount(count(name))} ${name}`)
    .join(', ');
}

/** Blocks of which all cells are done, and all blocks. */
export function blocksOf(cells: readonly LiveCell[]): { planned: number; complete: number } {
  const all = new Set(cells.map(({ cell }) => blockOf(cell)));
  const open = new Set(cells.filter(({ state }) => state.state !== 'done').map(({ cell }) => blockOf(cell)));
  return { planned: all.size, complete: all.size - open.size };
}

/** How much of all cells' work is done, from 0 to 1: the planned tokens of cells that are done, and of runs. */
export function shareDone(cells: readonly LiveCell[]): number {
  const all = cells.reduce((n, { cell }) => n + cell.planned.tokens, 0);
  const done = cells.reduce((n, { cell, state, run }) => {
    const share = isSettled({ state }) ? 1 : ((run && progressOf(run)?.share) ?? 0);
    return n + cell.planned.tokens * share;
  }, 0);
  return all === 0 ? 0 : done / all;
}

/**
 * Seconds until every cell is settled, as many at once as run now: by the time that cells took
 * which are done, by the pace of those that run, otherwise by the forecast. Undefined where none is
 * known.
 */
function secondsLeft(cells: readonly LiveCell[]): number | undefined {
  const took = cells.flatMap(({ state, run }) =>
    state.state === 'done' && run?.run?.seconds !== undefined ? [run.run.seconds] : [],
  );
  const mean = took.length > 0 ? took.reduce((sum, time) => sum + time, 0) / took.length : undefined;
  let sum = 0;
  for (const { cell, state, run } of cells.filter((each) => !isSettled(each))) {
    const own = state.state === 'running' && run ? progressOf(run)?.secondsLeft : undefined;
    const seconds = own ?? mean ?? cell.forecast.seconds;
    if (seconds === null) return undefined;
    sum += seconds;
  }
  return sum / Math.max(1, cells.filter(({ state }) => state.state === 'running').length);
}

const WORDS: Readonly<Record<StudyState, string>> = {
  running: 'The study is under way.',
  detached:
    'Cells run without a process that follows them. Run again, the study follows them, and has results once all have ended.',
  settled: 'The study is done: nothing is left to run.',
  stopped: 'The study has stopped: no process runs it. Run again, it continues.',
  waiting: 'The study is registered; no cell has started yet.',
};

const UNKNOWN = 'not known';
const SILENT_MS = 60_000;

/** When anything of the study last gave a sign of life, in ms since 1970. */
const lastSign = ({ cells, holder }: StudyFacts): number =>
  Math.max(holder?.seenMs ?? 0, ...cells.map(({ run }) => Math.max(run?.writtenMs ?? 0, run?.holder?.seenMs ?? 0)));

/** Where a study stands, at the time `now` in ms since 1970. */
export function studyStateBlocks(facts: StudyFacts, now: number): PageBlock[] {
  const { cells, holder } = facts;
  const state = studyStateOf(facts);
  const failed = cells.filter((each) => each.state.state === 'failed');
  const { planned, complete } = blocksOf(cells);
  const silent = now - lastSign(facts);
  const left = secondsLeft(cells);
  const memory = cells.reduce((n, { run }) => n + (run?.memory ?? 0), 0);
  const running = cells.filter((each) => each.state.state === 'running');
  return [
    { kind: 'note', tone: state === 'stopped' ? 'warning' : 'answer', text: WORDS[state] },
    { kind: 'progress', label: 'Training of all cells', share: shareDone(cells) },
    ...(state === 'settled'
      ? []
      : [
          {
            kind: 'paragraph',
            text: `${formatCount(complete)} of ${formatCounted(planned, 'block')} complete: there is no verdict before the end.`,
          } as const,
        ]),
    ...(state === 'running' && silent > SILENT_MS
      ? [
          {
            kind: 'note',
            tone: 'warning',
            text: `No sign of life for more than ${formatDuration(Math.floor(silent / SILENT_MS) * 60)}.`,
          } as const,
        ]
      : []),
    ...failed.map(({ cell: { id }, state }) => failureNote(id, state)),
    {
      kind: 'facts',
      facts: [
        ['Cells', countsInWords(cells)],
        ...(state === 'settled'
          ? []
          : [['Time left', left === undefined ? UNKNOWN : `about ${formatDuration(left)}`] as const]),
        ...(running.length > 0
          ? [['Memory', memory > 0 ? `${formatBytes(memory)} of the running cells on this machine` : UNKNOWN] as const]
          : []),
        ...(holder ? [['Process', `${holder.pid} on ${holder.host}`] as const] : []),
        ['Last sign of life', lastSign(facts) === 0 ? UNKNOWN : new Date(lastSign(facts)).toISOString()],
      ],
    },
  ];
}

function failureNote(id: string, state: CellState): PageBlock {
  const why = state.state === 'failed' ? ` (${state.failure}): ${state.reason}` : '';
  return { kind: 'note', tone: 'error', text: `${id} failed${why}` };
}

const TONES: Readonly<Record<CellState['state'], GridCell['tone']>> = {
  done: 'good',
  running: 'active',
  queued: 'waiting',
  waiting: 'waiting',
  interrupted: 'waiting',
  lost: 'bad',
  failed: 'bad',
};

/** Cells in a grid: arms down, seeds across, one grid for each combination of the axes and each split. */
export function cellsSection(cells: readonly LiveCell[]): Section {
  const groups = new Map<string, LiveCell[]>();
  for (const each of cells) {
    const name = [
      groupOf(each.cell),
      ...(each.cell.split > 1 || cells.some(({ cell }) => cell.split > 1) ? [`split ${each.cell.split}`] : []),
    ]
      .filter((part) => part !== '')
      .join(', ');
    groups.set(name, [...(groups.get(name) ?? []), each]);
  }
  return {
    id: 'cells',
    title: 'Cells',
    blocks: [...[...groups].map(([name, members]) => gridOf(name, members)), ...runningTable(cells)],
  };
}

function gridOf(name: string, cells: readonly LiveCell[]): PageBlock {
  const seeds = [...new Set(cells.map(({ cell }) => cell.seed))].sort((a, b) => a - b);
  const arms = [...new Set(cells.map(({ cell }) => cell.arm))];
  return {
    kind: 'grid',
    caption: `State of every cell, and the held-out loss of those that are done${name === '' ? '' : `: ${name}`}`,
    columns: seeds.map((seed) => `seed ${seed}`),
    rows: arms.map((arm) => ({
      name: arm,
      cells: seeds.map((seed) => {
        const found = cells.find(({ cell }) => cell.arm === arm && cell.seed === seed);
        return found ? gridCell(found) : null;
      }),
    })),
  };
}

function gridCell({ cell, state, run }: LiveCell): GridCell {
  const progress = state.state === 'done' ? undefined : run && progressOf(run);
  const held = state.state === 'done' ? run?.history.heldOut.at(-1) : undefined;
  const note = held
    ? held.all.toFixed(4)
    : progress && progress.share > 0
      ? `${Math.floor(progress.share * 100)} %`
      : undefined;
  const href = run === undefined ? undefined : `cells/${cell.index}/`;
  return {
    text: state.state,
    tone: TONES[state.state],
    ...(note !== undefined && { note }),
    ...(href !== undefined && { href }),
  };
}

/** What the running cells are doing. */
function runningTable(cells: readonly LiveCell[]): PageBlock[] {
  const running = cells.filter(({ state }) => state.state === 'running');
  if (running.length === 0) return [];
  const rows = running.map(({ cell, run }) => {
    const progress = run && progressOf(run);
    const [step, stage] = [run?.history.steps.at(-1), run?.history.stages.at(-1)];
    const stages = run?.history.start?.stages.length;
    return [
      cell.id,
      stage && stages ? `${stage.stage} of ${stages}` : 'preparing',
      progress ? `${formatCount(progress.step)} of ${formatCount(progress.steps)}` : '-',
      step ? step.loss.toFixed(4) : '-',
      step ? formatNumber(step.tokensPerSecond) : '-',
      progress?.secondsLeft === undefined ? '-' : formatDuration(progress.secondsLeft),
      run?.memory === undefined ? '-' : formatBytes(run.memory),
    ];
  });
  return [
    {
      kind: 'table',
      caption: 'Cells that run now',
      rows: [['cell', 'stage', 'step', 'loss', 'tokens/s', 'time left', 'memory'], ...rows],
    },
  ];
}
