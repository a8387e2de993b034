import { linePlot } from '../../plots/line-plot.js';
import { formatCount, formatNumber } from '../../telemetry/format.js';
import type { HeldOutPoint, StepPoint } from '../../train/run-history.js';
import type { Figure, PageCell, Section } from '../page.js';
import { cell, lossCell, numberCell } from '../parts/shown.js';
import { everyNth } from '../parts/thin.js';
import type { RunReport } from './read-run-report.js';

/** Rows of a table of steps. */
const MOST_ROWS = 400;

const X_LABEL = 'trained tokens';
const tokensCell = (tokens: number): PageCell => cell(formatCount(tokens), tokens);

/** Losses by trained tokens, and how training went: gradient norm, learning rate and speed. */
export function lossSections(report: RunReport): Section[] {
  const { steps, heldOut } = report.history;
  const nothing = { kind: 'paragraph', text: 'Nothing was measured yet.' } as const;
  const losses = [
    ...(heldOut.length > 0 ? [heldOutFigure(report)] : []),
    ...(steps.length > 0 ? [trainingFigure(report)] : []),
  ];
  return [
    {
      id: 'losses',
      title: 'Losses by trained tokens',
      blocks: losses.length === 0 ? [nothing] : [{ kind: 'panels', figures: losses }],
    },
    ...(steps.length === 0
      ? []
      : [
          {
            id: 'training',
            title: 'Training',
            blocks: [{ kind: 'panels', figures: trainingFigures(report) }],
          } as const,
        ]),
  ];
}

const stageMarks = ({ history }: RunReport) =>
  history.stages.length < 2
    ? []
    : history.stages.map(({ stage, trainedTokens }) => ({ x: trainedTokens, label: `stage ${stage}` }));

function heldOutFigure(report: RunReport): Figure {
  const { run, history } = report;
  const bands = (run.matrix?.bands ?? history.start?.bands ?? []).map(({ stage }) => `band ${stage}`);
  const series = [
    ...bands.map((name, i) => ({ name, of: ({ losses }: HeldOutPoint) => losses[i] ?? null })),
    ...(bands.length === 1 ? [] : [{ name: 'all', of: ({ all }: HeldOutPoint) => all }]),
  ];
  return {
    id: 'curve-held-out',
    caption: 'Held-out loss by trained tokens, for each band of difficulty and over all rows; lower is better.',
    svg: linePlot({
      title: 'Held-out loss',
      label: 'nats per token',
      xLabel: X_LABEL,
      series: series.map(({ name, of }) => ({
        name,
        points: history.heldOut.map((point) => [point.trainedTokens, of(point)]),
      })),
      marks: stageMarks(report),
    }),
    table: [
      [X_LABEL, 'stage', 'step', ...series.map(({ name }) => name)],
      ...history.heldOut.map((point) => [
        tokensCell(point.trainedTokens),
        String(point.stage),
        String(point.step),
        ...series.map(({ of }) => lossCell(of(point))),
      ]),
    ],
  };
}

/** A figure of reported steps. */
function stepFigure(
  report: RunReport,
  parts: {
    readonly id: string;
    readonly title: string;
    readonly label: string;
    readonly caption: string;
    of(step: StepPoint): number;
    shown(value: number): PageCell;
  },
): Figure {
  const { steps } = report.history;
  const kept = everyNth(steps, MOST_ROWS);
  const cut = kept.length < steps.length ? ` The table has ${kept.length} of ${formatCount(steps.length)} points.` : '';
  return {
    id: parts.id,
    caption: `${parts.caption}${cut}`,
    svg: linePlot({
      title: parts.title,
      label: parts.label,
      xLabel: X_LABEL,
      series: [{ name: parts.title.toLowerCase(), points: steps.map((step) => [step.trainedTokens, parts.of(step)]) }],
      marks: stageMarks(report),
    }),
    table: [
      [X_LABEL, 'stage', 'step', parts.title.toLowerCase()],
      ...kept.map((step) => [
        tokensCell(step.trainedTokens),
        String(step.stage),
        String(step.step),
        parts.shown(parts.of(step)),
      ]),
    ],
  };
}

const trainingFigure = (report: RunReport): Figure =>
  stepFigure(report, {
    id: 'curve-training',
    title: 'Training loss',
    label: 'nats per token',
    caption: 'Training loss by trained tokens, as reported step by step: it moves with the rows of each step.',
    of: ({ loss }) => loss,
    shown: lossCell,
  });

const trainingFigures = (report: RunReport): Figure[] => [
  stepFigure(report, {
    id: 'curve-norm',
    title: 'Gradient norm',
    label: 'norm before clipping',
    caption: 'Norm of the gradients before clipping, by trained tokens.',
    of: ({ gradNorm }) => gradNorm,
    shown: (value) => numberCell(value, 4),
  }),
  stepFigure(report, {
    id: 'curve-rate',
    title: 'Learning rate',
    label: 'rate',
    caption: 'Learning rate by trained tokens.',
    of: ({ learningRate }) => learningRate,
    shown: (value) => numberCell(value, 4),
  }),
  stepFigure(report, {
    id: 'curve-speed',
    title: 'Speed',
    label: 'tokens/s',
    caption: 'Tokens a second, padding left out, by trained tokens.',
    of: ({ tokensPerSecond }) => tokensPerSecond,
    shown: (value) => cell(formatNumber(value), value),
  }),
];
