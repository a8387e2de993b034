import { formatCount, formatNumber } from '../../telemetry/format.js';
import type { HeldOutPoint, StepPoint } from '../../train/run-history.js';
import type { PageCell, Section } from '../page.js';
import { cell, lossCell, numberCell } from '../parts/shown.js';
import { everyNth } from '../parts/thin.js';
import type { RunReport } from './read-run-report.js';

/** Rows of a table of steps. */
const MOST_ROWS = 200;

const tokensCell = (tokens: number): PageCell => cell(formatCount(tokens), tokens);

/** Loss by trained tokens, and how training went by step. */
export function lossSections({ run, history }: RunReport): Section[] {
  const { steps, heldOut } = history;
  const bands = (run.matrix?.bands ?? history.start?.bands ?? []).map(({ stage }) => `band ${stage}`);
  return [
    {
      id: 'losses',
      title: 'Losses by trained tokens',
      blocks:
        steps.length + heldOut.length === 0
          ? [{ kind: 'paragraph', text: 'Nothing was measured yet.' }]
          : [
              ...(heldOut.length > 0
                ? [
                    {
                      kind: 'table',
                      caption: 'Held-out loss, nats per token',
                      rows: heldOutTable(heldOut, bands),
                      sortable: true,
                    } as const,
                  ]
                : []),
              ...(steps.length > 0
                ? [
                    {
                      kind: 'table',
                      caption: 'Training loss, nats per token',
                      rows: stepTable(steps),
                      sortable: true,
                    } as const,
                  ]
                : []),
            ],
    },
  ];
}

const heldOutTable = (points: readonly HeldOutPoint[], bands: readonly string[]): PageCell[][] => [
  ['trained tokens', 'stage', 'step', ...bands, 'all'],
  ...points.map(({ trainedTokens, stage, step, losses, all }) => [
    tokensCell(trainedTokens),
    String(stage),
    String(step),
    ...losses.map(lossCell),
    lossCell(all),
  ]),
];

const stepTable = (points: readonly StepPoint[]): PageCell[][] => [
  ['trained tokens', 'stage', 'step', 'loss', 'learning rate', 'gradient norm', 'tokens/s'],
  ...everyNth(points, MOST_ROWS).map(
    ({ trainedTokens, stage, step, loss, learningRate, gradNorm, tokensPerSecond }) => [
      tokensCell(trainedTokens),
      String(stage),
      String(step),
      lossCell(loss),
      numberCell(learningRate, 4),
      numberCell(gradNorm, 4),
      cell(formatNumber(tokensPerSecond), tokensPerSecond),
    ],
  ),
];
