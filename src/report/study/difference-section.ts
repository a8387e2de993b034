import { groupBy } from '../../core/lists.js';
import { shownLevel, shownP } from '../../eval/result/sentences.js';
import { differencePlot } from '../../plots/difference-plot.js';
import { groupOf } from '../../study/cell.js';
import { digitsFor, metricName, shown, shownUnit } from '../../study/results/figures.js';
import type { Results } from '../../study/results/results.js';
import type { Figure, PageBlock, PageCell, Section } from '../page.js';
import { fullColumns } from '../parts/columns.js';
import { panelBlocks } from '../parts/panels.js';
import { cell, numberCell, shownChange } from '../parts/shown.js';
import { armLook } from './arm-look.js';
import type { StudyReport } from './read-study-report.js';

type Comparison = Results['comparisons'][number];

/** Differences of the arms from the control with their intervals, and a dot for each seed or split. */
export function differenceSection(report: StudyReport): Section[] {
  const { results, final } = report;
  const groups = [...groupBy(results.comparisons, groupOf)].filter(([, list]) =>
    list.some(({ difference }) => difference !== null),
  );
  if (groups.length === 0) return [];
  const level = shownLevel(1 - results.alpha);
  const blocks: PageBlock[] = [
    {
      kind: 'paragraph',
      text: `Each arm less ${results.control}, within blocks of one seed and one split; ${level} t intervals over ${results.unit}s, each by itself. ${final ? 'Verdicts adjust for all comparisons together (Holm).' : 'These differences are not complete, so nothing may be concluded from them yet.'}`,
    },
    ...panelBlocks(groups.map(([group, list], i) => differenceFigure(group, list, i, report))),
    fullColumns({ left: 3, sortable: true, rows: differenceRows(results, final) }),
    ...bandBlocks(results),
  ];
  return [{ id: 'differences', title: `Against ${results.control}`, blocks }];
}

function differenceFigure(
  group: string,
  comparisons: readonly Comparison[],
  index: number,
  { record, results, final }: StudyReport,
): Figure {
  const { metric, control, margin, alpha, unit } = results;
  const title = `${metricName(metric.name)} against ${control}`.replace(/^./, (first) => first.toUpperCase());
  const values = comparisons.map((one) => blockDifferences(one, results));
  const svg = differencePlot({
    title,
    subtitle: `${group === '' ? '' : `${group}; `}${shownLevel(1 - alpha)} intervals; a dot for each ${unit}`,
    label: `difference, ${shownUnit(metric.unit)}`,
    control,
    ...(margin !== null && { margin }),
    better: metric.better,
    arms: comparisons.map((one, i) => ({
      name: one.arm,
      difference: one.difference,
      low: one.low,
      high: one.high,
      values: values[i]!,
      ...(final && one.verdict !== null && { verdict: one.verdict }),
      look: armLook(record, one.arm),
    })),
  });
  return {
    id: `differences-${index + 1}`,
    caption: `${title}${group === '' ? '' : ` (${group})`}: the difference of each arm with its interval${margin === null ? '' : `; within ±${margin}, the shaded part, it does not matter`}; a dot for each ${unit}; ${metric.better} is better.`,
    svg,
    left: 2,
    table: [
      ['arm', unit, 'difference'],
      ...comparisons.flatMap(({ arm }, i) => values[i]!.map(({ name, value }) => [arm, name, numberCell(value, 5)])),
    ],
  };
}

/** Differences from the control by seed or split, means over what is in each. */
function blockDifferences(one: Comparison, { arms, unit }: Results): { name: string; value: number }[] {
  const find = (arm: string) =>
    arms.find((other) => other.arm === arm && groupOf(other) === groupOf(one))?.values ?? [];
  const control = new Map(find(one.control).map(({ seed, split, value }) => [`${seed} ${split}`, value]));
  const differences = find(one.arm).flatMap(({ seed, split, value }) => {
    const other = control.get(`${seed} ${split}`);
    return other === undefined ? [] : [{ unit: unit === 'seed' ? seed : split, value: value - other }];
  });
  return [...groupBy(differences, (each) => each.unit)].map(([number, list]) => ({
    name: `${unit} ${number}`,
    value: list.reduce((sum, { value }) => sum + value, 0) / list.length,
  }));
}

function differenceRows({ comparisons, metric, alpha, unit }: Results, final: boolean): PageCell[][] {
  const digits = Math.min(8, Math.max(...comparisons.map(({ low, high }) => digitsFor(low, high, metric.unit))));
  const figure = (value: number | null) => cell(shown(value, digits), value);
  const p = (value: number | null) => (value === null ? '-' : cell(shownP(value).replace('p = ', ''), value));
  const interval = (low: number | null | undefined, high: number | null | undefined) =>
    low == null || high == null ? '-' : `${shown(low, digits)} to ${shown(high, digits)}`;
  return [
    [
      'arm',
      'axes',
      'verdict',
      `${unit}s`,
      'difference',
      `${shownLevel(1 - alpha)} interval`,
      'p',
      'p by Holm',
      'p of sign flips',
      'interval of equivalence',
      'p of equivalence',
      'better in',
    ],
    ...comparisons.map((one): PageCell[] => [
      one.arm,
      groupOf(one),
      final ? (one.verdict ?? 'none') : 'none yet',
      String(one.units),
      figure(one.difference),
      interval(one.low, one.high),
      p(one.p),
      p(one.pHolm),
      p(one.signFlip),
      interval(one.equivalence?.low, one.equivalence?.high),
      p(one.equivalence?.pHolm ?? null),
      one.better ? cell(`${Math.round(100 * one.better.share)} %`, one.better.share) : '-',
    ]),
  ];
}

/** Differences by band, which have no verdict. */
function bandBlocks({ comparisons, control }: Results): PageBlock[] {
  const rows = comparisons.flatMap((one) =>
    one.bands.map(({ band, difference, low, high }): PageCell[] => [
      one.arm,
      groupOf(one),
      String(band),
      cell(shownChange(difference), difference),
      `${shownChange(low)} to ${shownChange(high)}`,
    ]),
  );
  if (rows.length === 0) return [];
  return [
    {
      kind: 'details',
      summary: 'By band of difficulty, without verdicts',
      blocks: [
        fullColumns({
          left: 2,
          sortable: true,
          rows: [['arm', 'axes', 'band', `less ${control}`, 'interval'], ...rows],
        }),
      ],
    },
  ];
}
