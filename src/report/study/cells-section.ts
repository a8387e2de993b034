import { groupBy } from '../../core/lists.js';
import { shownName } from '../../core/shown.js';
import { blockOf, groupOf } from '../../study/cell.js';
import { formatCount, formatCounted, formatDuration } from '../../telemetry/format.js';
import type { GridCell, PageBlock, PageCell, Section } from '../page.js';
import { cell as pageCell } from '../parts/shown.js';
import type { CellReport, StudyReport } from './read-study-report.js';
import { studyTimeline } from './timeline.js';

const TONES: Readonly<Record<CellReport['state']['state'], GridCell['tone']>> = {
  done: 'good',
  running: 'active',
  queued: 'waiting',
  waiting: 'waiting',
  interrupted: 'bad',
  lost: 'bad',
  failed: 'bad',
};

/** What ran, what is missing and why, what was resumed, what spiked, and on which hosts. */
export function cellsSection({ cells, results }: StudyReport): Section {
  const hosts = new Set(cells.flatMap(hostsOf));
  const missing = results.missing.flatMap(missingLines);
  return {
    id: 'cells',
    title: 'What ran, and what did not',
    blocks: [
      { kind: 'paragraph', text: summary(cells, hosts) },
      ...(missing.length > 0 ? [{ kind: 'list', items: missing } as const] : []),
      ...cells.flatMap(({ cell, problem }): PageBlock[] =>
        problem === undefined ? [] : [{ kind: 'note', tone: 'error', text: `${cell.id}: ${problem}` }],
      ),
      ...gridBlocks(cells),
      ...timelineBlocks(cells),
      {
        kind: 'details',
        summary: `All cells (${formatCount(cells.length)})`,
        blocks: [{ kind: 'table', left: 3, sortable: true, rows: cellRows(cells) }],
      },
    ],
  };
}

function timelineBlocks(cells: readonly CellReport[]): PageBlock[] {
  const figures = studyTimeline(cells);
  if (figures.length === 0) return [];
  return [{ kind: 'details', summary: 'When each cell ran', blocks: [{ kind: 'panels', figures }] }];
}

const hostsOf = ({ attempts }: CellReport): string[] =>
  attempts.flatMap((attempt) => (attempt.event === 'begin' ? [attempt.host] : []));

function summary(cells: readonly CellReport[], hosts: ReadonlySet<string>): string {
  const counts = [...groupBy(cells, ({ state }) => state.state)].map(
    ([state, { length }]) => `${formatCount(length)} ${state}`,
  );
  const resumed = cells.filter(({ run }) => (run?.resumed?.length ?? 0) > 0).length;
  const spiked = cells.filter(({ spikes }) => spikes.length > 0).length;
  const engines = [...groupBy(cells, ({ run }) => run?.trainedBy?.engine ?? '')].flatMap(([engine, { length }]) =>
    engine === '' ? [] : [`${formatCount(length)} trained by ${shownName(engine, 60)}`],
  );
  const parts = [
    `${formatCounted(cells.length, 'cell')}: ${counts.join(', ')}`,
    resumed === 0 ? 'none was resumed' : `${formatCount(resumed)} resumed`,
    spiked === 0 ? 'no loss spiked' : `in ${formatCount(spiked)} a loss spiked`,
    ...engines,
  ];
  const where = hosts.size === 0 ? '' : ` Run on ${[...hosts].map((host) => shownName(host, 60)).join(', ')}.`;
  return `${parts.join('; ')}.${where}`;
}

const missingLines = (one: StudyReport['results']['missing'][number]): string[] => {
  const group = groupOf(one);
  const reasons = Object.entries(one.reasons).map(([reason, count]) => `${formatCount(count)} ${reason}`);
  return [
    `${group === '' ? '' : `${group}: `}${one.arm}: ${formatCount(one.missing)} of ${formatCounted(one.planned, 'cell')} missing (${reasons.join(', ')})`,
    ...one.examples.map(({ cell, failure, reason }) => `${cell} failed (${failure}): ${reason}`),
  ];
};

/** States by arm and block, a grid for each combination of the axes. */
function gridBlocks(cells: readonly CellReport[]): PageBlock[] {
  return [...groupBy(cells, ({ cell }) => groupOf(cell))].map(([group, inGroup]): PageBlock => {
    const blocks = [...new Set(inGroup.map(({ cell }) => blockOf(cell)))];
    const splits = new Set(inGroup.map(({ cell }) => cell.split)).size;
    const rows = [...groupBy(inGroup, ({ cell }) => cell.arm)].map(([name, ofArm]) => ({
      name,
      cells: blocks.map((block) => gridCell(ofArm.find(({ cell }) => blockOf(cell) === block))),
    }));
    const columns = splits > 1 ? blocks : blocks.map((block) => block.replace(/, split \d+$/, ''));
    return { kind: 'grid', caption: `Cells by arm and block${group === '' ? '' : `: ${group}`}`, columns, rows };
  });
}

function gridCell(report: CellReport | undefined): GridCell | null {
  if (!report) return null;
  const { state, spikes, run } = report;
  const notes = [
    ...(state.state === 'failed' ? [state.failure] : []),
    ...((run?.resumed?.length ?? 0) > 0 ? [`resumed ${run!.resumed!.length}`] : []),
    ...(spikes.length > 0 ? [`spikes ${spikes.length}`] : []),
    ...(run?.trainedBy ? [`by ${shownName(run.trainedBy.engine, 60)}`] : []),
  ];
  return { text: state.state, tone: TONES[state.state], ...(notes.length > 0 && { note: notes.join(', ') }) };
}

function cellRows(cells: readonly CellReport[]): PageCell[][] {
  return [
    ['cell', 'state', 'hosts', 'attempts', 'resumed', 'spikes', 'steps', 'trained tokens', 'time'],
    ...cells.map((report): PageCell[] => {
      const { cell, state, run, spikes, training } = report;
      const trained = training.trainedTokens.at(-1);
      const begun = report.attempts.filter(({ event }) => event === 'begin').length;
      return [
        cell.id,
        state.state === 'failed' ? `failed (${state.failure}): ${state.reason}` : state.state,
        [...new Set(hostsOf(report))].map((host) => shownName(host, 60)).join(', '),
        formatCount(begun),
        formatCount(run?.resumed?.length ?? 0),
        formatCount(spikes.length),
        `${formatCount(training.loss.length)} reported`,
        trained === undefined ? '-' : pageCell(formatCount(trained), trained),
        run?.seconds === undefined ? '-' : pageCell(formatDuration(run.seconds), run.seconds),
      ];
    }),
  ];
}
