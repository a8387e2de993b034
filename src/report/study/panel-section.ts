import { stableJson } from '../../core/hash.js';
import { groupBy } from '../../core/lists.js';
import { type PanelPoint, panelPlot } from '../../plots/panel-plot.js';
import { groupOf } from '../../study/cell.js';
import { metricName, shownUnit } from '../../study/results/figures.js';
import type { Results } from '../../study/results/results.js';
import type { Figure, PageCell, Section } from '../page.js';
import { panelBlocks } from '../parts/panels.js';
import { numberCell } from '../parts/shown.js';
import { armLook } from './arm-look.js';
import type { StudyReport } from './read-study-report.js';

type Comparison = Results['comparisons'][number];

/** Differences over an ordered axis, one series for each kind of arm. */
interface Panel {
  readonly title: string;
  readonly xLabel: string;
  readonly columns: readonly string[];
  readonly series: readonly {
    readonly name: string;
    readonly arm: string;
    readonly at: readonly (Comparison | undefined)[];
  }[];
}

/** Axes in words; another one is the option that it is. */
const AXES: Readonly<Record<string, string>> = {
  'stage.stages': 'number of stages',
  model: 'model',
  scored: 'scores',
  dataset: 'data set',
};

/** What the difference from the control is by number of stages, by model, by scorer, or along any other axis. */
export function panelSection(report: StudyReport): Section[] {
  const panels = [...axisPanels(report), ...stagePanels(report)];
  if (panels.length === 0) return [];
  return [
    {
      id: 'panels',
      title: 'By stage count, model and scorer',
      blocks: [
        {
          kind: 'paragraph',
          text: `The difference from ${report.results.control} with its interval at each value; each value has its own control. Intervals are pointwise, and there is no verdict on what differs along an axis.`,
        },
        ...panelBlocks(panels.map((panel, i) => panelFigure(panel, i, report))),
      ],
    },
  ];
}

/** A panel for each axis with several values, and for each combination of the other axes. */
function axisPanels({ record, results }: StudyReport): Panel[] {
  return Object.entries(record.study.axes).flatMap(([axis, values]) => {
    const columns = Object.keys(values);
    if (columns.length < 2) return [];
    const others = groupBy(results.comparisons, ({ axes }) => {
      const { [axis]: _, ...rest } = axes;
      return groupOf({ axes: rest });
    });
    const what = AXES[axis] ?? axis;
    return [...others].map(([group, list]) => ({
      title: `By ${what}${group === '' ? '' : `, ${group}`}`,
      xLabel: what,
      columns,
      series: [...groupBy(list, ({ arm }) => arm)].map(([arm, ofArm]) => ({
        name: arm,
        arm,
        at: columns.map((value) => ofArm.find(({ axes }) => axes[axis] === value)),
      })),
    }));
  });
}

/** Panels of arms that differ in nothing but the number of their stages, for each combination of the axes. */
function stagePanels({ record, results, cells }: StudyReport): Panel[] {
  const stagesOf = new Map(cells.map(({ cell }) => [cell.arm, cell.planned.stages]));
  const families = [
    ...groupBy(
      results.comparisons.filter(({ arm }) => arm !== results.control),
      ({ arm }) => withoutStages(arm, record.study),
    ).values(),
  ].filter((family) => new Set(family.map(({ arm }) => stagesOf.get(arm))).size > 1);
  if (families.length === 0) return [];
  const counts = [...new Set(families.flat().map(({ arm }) => stagesOf.get(arm) ?? 0))].sort((x, y) => x - y);
  const groups = [...new Set(families.flat().map(groupOf))];
  return groups.map((group) => ({
    title: `By number of stages${group === '' ? '' : `, ${group}`}`,
    xLabel: 'number of stages',
    columns: counts.map(String),
    series: families.map((family) => {
      const inGroup = family.filter((one) => groupOf(one) === group);
      const { arm } = family[0]!;
      return {
        name: arm.replace(/-\d+$/, ''),
        arm,
        at: counts.map((count) => inGroup.find((one) => stagesOf.get(one.arm) === count)),
      };
    }),
  }));
}

/** What an arm is besides the number of its stages. */
function withoutStages(arm: string, { arms, data }: StudyReport['record']['study']): string {
  const { stage, ...rest } = arms[arm] ?? {};
  const { stages: _, ...cut } = { ...data?.stage, ...stage };
  return stableJson({ ...rest, cut });
}

function panelFigure(
  { title, xLabel, columns, series }: Panel,
  index: number,
  { record, results }: StudyReport,
): Figure {
  const { control, metric } = results;
  const what = `${metricName(metric.name)}, less ${control}`;
  const pointOf = (one: Comparison | undefined): PanelPoint | null =>
    one?.difference == null ? null : { value: one.difference, low: one.low, high: one.high };
  return {
    id: `panel-${index + 1}`,
    caption: `${title}: ${what}, ${shownUnit(metric.unit)}, with pointwise intervals; ${metric.better} is better.`,
    svg: panelPlot({
      title,
      label: `${what}, ${metric.unit}`,
      xLabel,
      columns,
      series: series.map(({ name, arm, at }) => ({ name, points: at.map(pointOf), look: armLook(record, arm) })),
      reference: { value: 0, label: control },
    }),
    left: 2,
    table: [
      ['arm', xLabel, 'difference', 'low', 'high'],
      ...series.flatMap(({ name, at }) =>
        at.map((one, i): PageCell[] => [
          name,
          columns[i]!,
          numberCell(one?.difference, 5),
          numberCell(one?.low, 5),
          numberCell(one?.high, 5),
        ]),
      ),
    ],
  };
}
