import { groupBy } from '../../core/lists.js';
import { linePlot } from '../../plots/line-plot.js';
import { groupOf } from '../../study/cell.js';
import { formatCount } from '../../telemetry/format.js';
import type { Figure, PageBlock, PageCell, Section } from '../page.js';
import { panelBlocks } from '../parts/panels.js';
import { cell, lossCell } from '../parts/shown.js';
import { armLook } from './arm-look.js';
import { type CurvePoint, heldOutCurve, trainingCurve } from './curves.js';
import type { CellReport, StudyReport } from './read-study-report.js';

/** An arm's curve. */
interface ArmCurve {
  readonly arm: string;
  readonly runs: number;
  readonly points: readonly CurvePoint[];
}

const KINDS: readonly {
  readonly id: string;
  readonly name: string;
  curve(runs: readonly CellReport[], level: number, most: number): CurvePoint[];
}[] = [
  { id: 'held-out', name: 'Held-out loss', curve: heldOutCurve },
  { id: 'training', name: 'Training loss', curve: trainingCurve },
];

/** Places of all mean training curves together, and of each at least: a page has a limit. */
const MOST_PLACES = 2000;
const LEAST_PLACES = 20;

/** Mean curves of each kind, arm and combination of the axes: runs that are done. */
export function studyCurves({ cells, record }: StudyReport) {
  const level = 1 - record.analysis.alpha;
  const curves = new Set(cells.map(({ cell }) => `${groupOf(cell)} ${cell.arm}`)).size;
  const most = Math.max(LEAST_PLACES, Math.min(100, Math.floor(MOST_PLACES / curves)));
  const done = cells.filter(({ state, problem }) => state.state === 'done' && problem === undefined);
  return [...groupBy(done, ({ cell }) => groupOf(cell))].flatMap(([group, inGroup]) =>
    KINDS.map(({ id, name, curve }) => ({
      id,
      name,
      group,
      arms: [...groupBy(inGroup, ({ cell }) => cell.arm)]
        .map(([arm, runs]): ArmCurve => ({ arm, runs: runs.length, points: curve(runs, level, most) }))
        .filter(({ points }) => points.length > 1),
    })),
  );
}

/** Held-out and training loss of the arms by trained tokens. */
export function studyLossSection(report: StudyReport): Section[] {
  const level = `${Number((100 * (1 - report.record.analysis.alpha)).toPrecision(6))} %`;
  const figures = studyCurves(report)
    .filter(({ arms }) => arms.length > 0)
    .map((curves, i) => curveFigure(curves, i, level, report));
  if (figures.length === 0) return [];
  const blocks: PageBlock[] = [
    {
      kind: 'paragraph',
      text: `Means over the runs that are done. The shading is the ${level} t interval of the mean at each place by itself (pointwise): of many places some lie outside by chance, so it is no test of whole curves.`,
    },
    ...panelBlocks(figures),
  ];
  return [{ id: 'losses', title: 'Losses by trained tokens', blocks }];
}

type Curves = ReturnType<typeof studyCurves>[number];

function curveFigure({ id, name, group, arms }: Curves, index: number, level: string, report: StudyReport): Figure {
  const title = group === '' ? name : `${name}, ${group}`;
  const svg = linePlot({
    title,
    label: 'nats per token',
    xLabel: 'trained tokens',
    series: arms.map(({ arm, points }) => ({
      name: arm,
      points: points.map(({ trainedTokens, mean }) => [trainedTokens, mean]),
      band: points.flatMap(({ trainedTokens, low, high }) =>
        low === null || high === null ? [] : [[trainedTokens, low, high] as const],
      ),
      look: armLook(report.record, arm),
    })),
  });
  const runs = arms.map(({ arm, runs }) => `${arm} ${formatCount(runs)}`).join(', ');
  return {
    id: `curve-${id}-${index + 1}`,
    caption: `${title} by trained tokens: mean and pointwise ${level} interval over runs (${runs}).`,
    svg,
    left: 1,
    table: [
      ['arm', 'trained tokens', 'mean', 'low', 'high'],
      ...arms.flatMap(({ arm, points }) =>
        points.map(({ trainedTokens, mean, low, high }): PageCell[] => [
          arm,
          cell(formatCount(Math.round(trainedTokens)), trainedTokens),
          lossCell(mean),
          lossCell(low),
          lossCell(high),
        ]),
      ),
    ],
  };
}
