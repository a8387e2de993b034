import { groupBy } from '../../core/lists.js';
import { groupOf } from '../../study/cell.js';
import { digitsFor, shown } from '../../study/results/figures.js';
import { formatCount, formatDuration } from '../../telemetry/format.js';
import type { PageBlock, PageCell, Section } from '../page.js';
import { cell } from '../parts/shown.js';
import type { StudyReport } from './read-study-report.js';

type Arm = StudyReport['results']['arms'][number];

/** Every arm: mean, spread, n, tokens, time; a table for each combination of the axes. */
export function armsSection(report: StudyReport): Section {
  const { results } = report;
  const tables = [...groupBy(results.arms, groupOf)].map(
    ([group, arms]): PageBlock => ({
      kind: 'table',
      ...(group !== '' && { caption: group }),
      rows: armRows(arms, report),
      sortable: true,
    }),
  );
  const over = results.unit === 'seed' ? 'seeds' : 'splits';
  return {
    id: 'arms',
    title: 'Arms',
    blocks: [
      ...tables,
      { kind: 'paragraph', text: `Mean, standard deviation and interval are over ${over}; time is that of a run.` },
    ],
  };
}

function armRows(arms: readonly Arm[], report: StudyReport): PageCell[][] {
  const { results } = report;
  const { unit } = results.metric;
  const digits = Math.min(
    8,
    Math.max(...arms.map(({ interval }) => digitsFor(interval?.low ?? null, interval?.high ?? null, unit))),
  );
  const figure = (value: number | null) => cell(shown(value, digits), value);
  const ofArm = new Map(
    results.comparisons.filter((one) => groupOf(one) === groupOf(arms[0]!)).map((one) => [one.arm, one]),
  );
  const head = [
    'arm',
    'n',
    `mean, ${unit}`,
    'sd',
    'interval',
    `less ${results.control}`,
    'verdict',
    'trained tokens',
    'time',
  ];
  return [
    head,
    ...arms.map((arm): PageCell[] => {
      const one = ofArm.get(arm.arm);
      const seconds = meanSeconds(arm, report);
      return [
        arm.arm,
        cell(
          arm.n === arm.planned ? formatCount(arm.n) : `${formatCount(arm.n)} of ${formatCount(arm.planned)}`,
          arm.n,
        ),
        figure(arm.mean),
        figure(arm.sd),
        arm.interval ? `${shown(arm.interval.low, digits)} to ${shown(arm.interval.high, digits)}` : '-',
        one ? figure(one.difference) : '-',
        one ? (report.final ? (one.verdict ?? 'none') : '-') : 'control',
        arm.trainedTokens === null ? '-' : cell(formatCount(Math.round(arm.trainedTokens)), arm.trainedTokens),
        seconds === undefined ? '-' : cell(formatDuration(seconds), seconds),
      ];
    }),
  ];
}

/** Mean time of the runs of an arm that are done. */
function meanSeconds({ arm, axes }: Arm, { cells }: StudyReport): number | undefined {
  const times = cells.flatMap(({ cell, state, run }) =>
    cell.arm === arm && groupOf(cell) === groupOf({ axes }) && state.state === 'done' && run?.seconds !== undefined
      ? [run.seconds]
      : [],
  );
  return times.length === 0 ? undefined : times.reduce((sum, time) => sum + time, 0) / times.length;
}
