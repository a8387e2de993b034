import { groupBy } from '../../core/lists.js';
import { shownLevel } from '../../eval/result/sentences.js';
import type { Block } from '../../telemetry/document.js';
import { formatCount, formatCounted } from '../../telemetry/format.js';
import { groupOf } from '../cell.js';
import { digitsFor, metricName, shown, shownUnit } from './figures.js';
import type { Results } from './results.js';

type Arm = Results['arms'][number];
type Comparison = Results['comparisons'][number];

const HEAD = ['arm', 'n', 'mean', 'sd', 'difference', 'interval', 'p', 'verdict'];

/** What was measured, in a line. */
function aboutLine({ metric, blocks, arms, control }: Results): string {
  const names = new Set(arms.map(({ arm }) => arm)).size - 1;
  const done =
    blocks.complete === blocks.planned
      ? formatCounted(blocks.planned, 'block')
      : `${formatCount(blocks.complete)} of ${formatCounted(blocks.planned, 'block')} complete`;
  return `${formatCounted(names, 'arm')} against ${control}, ${done}: ${metricName(metric.name)}, ${shownUnit(metric.unit)}, ${metric.better} is better`;
}

/** The arms of one combination of the axes, the control first. */
function armsTable(results: Results, arms: readonly Arm[], comparisons: readonly Comparison[]): Block {
  const { metric, control } = results;
  const digits = Math.min(8, Math.max(...comparisons.map(({ low, high }) => digitsFor(low, high, metric.unit))));
  const ofArm = new Map(comparisons.map((one) => [one.arm, one]));
  const first = [...arms].sort((x, y) => Number(y.arm === control) - Number(x.arm === control));
  const rows = first.map(({ arm, n, planned, mean, sd }) => {
    const one = ofArm.get(arm);
    return [
      arm,
      n === planned ? formatCount(n) : `${formatCount(n)} of ${formatCount(planned)}`,
      shown(mean, digits),
      shown(sd, digits),
      one ? shown(one.difference, digits) : '-',
      one?.low == null || one.high === null ? '-' : `${shown(one.low, digits)} to ${shown(one.high, digits)}`,
      one?.pHolm == null ? '-' : shownNumber(one.pHolm),
      one ? (one.verdict ?? '-') : 'control',
    ];
  });
  return { kind: 'table', rows: [HEAD, ...rows] };
}

const shownNumber = (p: number): string => (p < 0.0001 ? '< 0.0001' : String(Number(p.toPrecision(2))));

/** What the columns are. */
function columnsNote({ unit, alpha, control }: Results): string {
  const over = unit === 'seed' ? 'seeds' : 'splits';
  return `Mean and sd over ${over}; difference from ${control} with its ${shownLevel(1 - alpha)} interval; p by Holm over all comparisons.`;
}

/** What varies, and what comparing within blocks saves. */
function componentsLine({ axes, arms, block, rest, pairing }: Results['components'][number]): string {
  const group = groupOf({ axes });
  const percent = (share: number) => `${Math.round(100 * share)} %`;
  const effect = pairing < 0 ? 'adds' : 'takes';
  return `${group === '' ? '' : `${group}: `}Of the variance ${percent(block)} is between blocks, ${percent(arms)} between arms, ${percent(rest)} is left; pairing ${effect} ${percent(Math.abs(pairing))} ${pairing < 0 ? 'to' : 'off'} the variance of a difference.`;
}

/**
 * Results of a study for a terminal or a page: what was measured, a table for each combination of the axes, the
 * answers. Warnings come before it and are the caller's to print.
 */
export function resultsBlocks(results: Results): Block[] {
  const comparisons = groupBy(results.comparisons, groupOf);
  const tables = [...groupBy(results.arms, groupOf)].flatMap(([group, arms]): Block[] => [
    ...(group === '' ? [] : [{ kind: 'heading', text: group } as const]),
    armsTable(results, arms, comparisons.get(group) ?? []),
  ]);
  const answers = results.comparisons.map(({ sentence }): Block => ({ kind: 'paragraph', text: sentence }));
  const notes = notesOf(results.comparisons).map((text): Block => ({ kind: 'paragraph', text }));
  const missing = missingLines(results).map((text): Block => ({ kind: 'paragraph', text }));
  return [
    { kind: 'heading', text: aboutLine(results) },
    ...tables,
    { kind: 'paragraph', text: columnsNote(results) },
    ...results.components.map((one): Block => ({ kind: 'paragraph', text: componentsLine(one) })),
    { kind: 'heading', text: 'Answer' },
    ...answers,
    ...notes,
    ...(missing.length > 0 ? [{ kind: 'heading', text: 'Missing' } as const, ...missing] : []),
  ];
}

/** Every note once, with the arms that it is about. */
const notesOf = (comparisons: readonly Comparison[]): string[] =>
  [
    ...groupBy(
      comparisons.flatMap(({ arm, notes }) => notes.map((note) => ({ arm, note }))),
      ({ note }) => note,
    ),
  ].map(([note, about]) => `(${[...new Set(about.map(({ arm }) => arm))].join(', ')}) ${note}`);

/** What is missing, an arm a line, with the first error of each kind. */
const missingLines = ({ missing }: Results): string[] =>
  missing.flatMap((one) => {
    const group = groupOf(one);
    const reasons = Object.entries(one.reasons).map(([reason, count]) => `${formatCount(count)} ${reason}`);
    return [
      `${group === '' ? '' : `${group}: `}${one.arm}: ${formatCount(one.missing)} of ${formatCounted(one.planned, 'cell')} (${reasons.join(', ')})`,
      ...one.examples.map(({ cell, reason }) => `  ${cell}: ${reason}`),
    ];
  });
