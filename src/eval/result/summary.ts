import type { Block } from '../../telemetry/document.js';
import { formatCount, formatCounted } from '../../telemetry/format.js';
import type { EvaluationResult } from './result.js';
import { EXTRAPOLATED, shownEqualLength, shownInterval, shownLevel, shownP, shownRate } from './sentences.js';

/** Who judged what, in a line. */
export function aboutLine({ baseline, judge, rows, sets, arms, controls }: EvaluationResult): string {
  const against = Object.keys(arms).length > 0 ? `${Object.keys(arms).join(', ')} against ${baseline}` : baseline;
  const where = `${formatCounted(rows, 'row')} of ${formatCounted(sets.length, 'set')}`;
  if (!judge) return `${against} on ${where}, judged by nobody`;
  const beside = Object.keys(controls).length > 0 ? `; beside it: ${Object.keys(controls).join(', ')}` : '';
  return `${against} on ${where}, judged by ${judge.name}${beside}`;
}

/** The arms with win rate, interval, counts and verdict. */
export function winRateTable({ arms, level }: EvaluationResult): Block {
  const rows = Object.entries(arms).map(([arm, result]) => [
    arm,
    shownRate(result.winRate),
    shownInterval(result),
    formatCount(result.wins),
    formatCount(result.ties),
    formatCount(result.losses),
    formatCount(result.missing),
    shownEqualLength(result.lengthControlled),
    result.pHolm === null ? '-' : shownP(result.pHolm).replace(/^p = /, '').replace(/^p /, ''),
    result.verdict,
  ]);
  const head = [
    'arm',
    'win %',
    `${shownLevel(level)} interval`,
    'won',
    'tied',
    'lost',
    'missing',
    'equal length',
    'p',
    'verdict',
  ];
  return { kind: 'table', rows: [head, ...rows] };
}

/** What the intervals cover. */
export const intervalsOver = ({ arms }: EvaluationResult): string =>
  Object.values(arms).some(({ runs }) => runs > 1)
    ? 'training runs (seeds) and instructions'
    : 'instructions only, as each arm is one training run';

/** What a mark in the tables means; empty where there is none. */
export const markNote = ({ arms }: EvaluationResult): string =>
  Object.values(arms).some(({ lengthControlled }) => lengthControlled?.state === 'extrapolated')
    ? ` ${EXTRAPOLATED}`
    : '';

/** What there is without a judge of answers: controls and matches, each arm with each, in percent. */
function besideTable({ baseline, arms, controls, matches }: EvaluationResult): Block[] {
  const names = [...new Set([baseline, ...Object.keys(arms), ...Object.values(matches).flatMap(Object.keys)])];
  const columns = [
    ...Object.entries(controls).map(([name, { arms: rates }]) => ({
      name: `${name}, win %`,
      cell: (arm: string) => shownRate(rates[arm]?.winRate ?? null),
    })),
    ...Object.entries(matches).map(([name, means]) => ({
      name: `${MATCH_NAMES[name] ?? name} %`,
      cell: (arm: string) => shownRate(means[arm]?.mean ?? null),
    })),
  ];
  if (columns.length === 0) return [];
  const rows = names.map((arm) => [arm, ...columns.map(({ cell }) => cell(arm))]);
  return [{ kind: 'table', rows: [['arm', ...columns.map(({ name }) => name)], ...rows] }];
}

/** Matches by what people call them. */
export const MATCH_NAMES: Readonly<Record<string, string>> = {
  exact: 'exact match',
  normalized: 'normalized match',
  json: 'same JSON',
  constraintsStrict: 'all constraints met',
  constraintsLoose: 'all constraints met, loosely',
};

/** The answer about every arm, or why there is none. */
export function answerLines({ arms, judge, missing }: EvaluationResult): string[] {
  const problems = [
    ...missing.problems,
    ...(judge?.problems.map((problem) => `The judge's figures are exploratory: ${problem}.`) ?? []),
  ];
  return [...problems, ...Object.values(arms).map(({ sentence }) => sentence)];
}

/**
 * The result for a terminal: what was compared, a table, the answer about every arm. Warnings come
 * before it and are the caller's to print.
 *
 * @example
 * const { result } = await reportEvaluation({ folder: 'evals/mine' });
 * console.log(plainLines(summaryBlocks(result)).join('\n'));
 */
export function summaryBlocks(result: EvaluationResult): Block[] {
  const heading: Block = { kind: 'heading', text: aboutLine(result) };
  const lines = answerLines(result).map((text): Block => ({ kind: 'paragraph', text }));
  const table: Block[] =
    Object.keys(result.arms).length > 0
      ? [
          winRateTable(result),
          { kind: 'paragraph', text: `Intervals: over ${intervalsOver(result)}.${markNote(result)}` },
        ]
      : [];
  const beside = besideTable(result);
  return [
    heading,
    ...table,
    ...(beside.length > 0 ? [{ kind: 'heading', text: 'Without a judge' } as const, ...beside] : []),
    ...(lines.length > 0 ? [{ kind: 'heading', text: 'Answer' } as const, ...lines] : []),
  ];
}
