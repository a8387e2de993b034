import { bin } from 'd3-array';
import { roundShort, scaleToOrdinary } from '../../core/ordinary.js';
import type { Feature } from '../../endpoint/types.js';
import { formatCount, formatCounted } from '../../telemetry/format.js';
import type { JudgedFile, ScoreResult } from '../../workflow/score-types.js';
import type { CommandContext } from '../command.js';

const short = (n: number) => String(roundShort(n));

/** Most bars, and characters of the longest. */
const BARS = 20;
const LONGEST = 50;

/** How many rows have scores in which range. */
function ranges(scores: readonly number[]): { name: string; rows: number }[] {
  const scale = scaleToOrdinary(scores);
  return bin()
    .thresholds(BARS / 2)(scores.map((score) => score * scale))
    .map((rows) => ({ name: `${short(rows.x0! / scale)} to ${short(rows.x1! / scale)}`, rows: rows.length }));
}

/** How many rows have which score: a bar a value where there are few, otherwise a bar a range. */
function scoreBars(scores: readonly number[]): string[] {
  const values = new Map<number, number>();
  for (const score of scores) values.set(score, (values.get(score) ?? 0) + 1);
  const bars =
    values.size <= BARS
      ? [...values].sort(([x], [y]) => x - y).map(([value, rows]) => ({ name: short(value), rows }))
      : ranges(scores);
  const highest = Math.max(...bars.map(({ rows }) => rows));
  const width = Math.max(...bars.map(({ name }) => name.length));
  return bars.map(({ name, rows }) => {
    const length = rows === 0 ? 0 : Math.max(1, Math.round((rows / highest) * LONGEST));
    return `${name.padStart(width)}  ${'█'.repeat(length)}${length > 0 ? ' ' : ''}${formatCount(rows)}`;
  });
}

/** What a reply came without, for people. */
const MISSING: Readonly<Record<Feature, string>> = {
  schema: 'the JSON Schema that was asked for',
  logprobs: 'the log-probabilities that were asked for',
  systemTurn: 'a system turn',
  temperature: 'the temperature that was asked for',
  seed: 'the seed that was asked for',
};

/** Prints what was scored and what was not, with the scores as bars, and what to do next. */
export function printResult(result: ScoreResult, context: Pick<CommandContext, 'print' | 'logger'>): void {
  printScores(result, context);
  if (result.scorer === 'openai') printJudging(result, context);
  if (!result.problem) context.print(nextStep(result.out));
}

function printScores(
  { out, manifest, scores: values }: ScoreResult,
  { print, logger }: Pick<CommandContext, 'print' | 'logger'>,
): void {
  const { counts, scores, reasons, failures, without } = manifest;
  if (scores) {
    print(
      `scores: ${short(scores.min)} to ${short(scores.max)}, mean ${short(scores.mean)}, standard deviation ${short(scores.deviation)}`,
    );
    for (const line of scoreBars(values.filter((score) => score !== undefined))) print(line);
    if (scores.min === scores.max && counts.scored > 1)
      logger.warn('every row has the same score: they cannot be cut into stages; try another judge or rubric');
  }
  print(`${formatCount(counts.scored)} of ${formatCounted(counts.rows, 'row')} scored: ${out}`);
  for (const [kind, rows] of Object.entries(reasons)) {
    const { id, reason } = failures.find((failure) => failure.kind === kind)!;
    logger.warn(`${formatCount(rows)} without a score, ${kind}; the first is row ${id}: ${reason}`);
  }
  for (const [feature, replies] of Object.entries(without ?? {}))
    logger.warn(
      `${formatCount(replies)} replies came without ${MISSING[feature as Feature] ?? feature}, since the endpoint refused it; the manifest records it`,
    );
}

function printJudging(
  { counts, judge, ledger }: JudgedFile,
  { print, logger }: Pick<CommandContext, 'print' | 'logger'>,
): void {
  const { partial, fromText, mass } = counts;
  if (partial > 0)
    logger.warn(
      `${formatCount(partial)} rows were judged fewer than ${judge.repeats} times; the same command asks for the rest`,
    );
  if (fromText > 0)
    logger.warn(
      `${formatCount(fromText)} replies came without usable log-probabilities; there the score is the text's`,
    );
  if (mass !== undefined) print(`on average ${(mass * 100).toFixed(1)} % of the probability was on the scale`);
  print(`raw replies: ${ledger}`);
}

/** The command that comes next, for a set where every row has its score. */
const nextStep = (out: string): string =>
  `next: phasetune stage ${out} --out datasets/staged/${out.replace(/^.*[\\/]/, '').replace(/\.jsonl?$/i, '')}`;

/** A result for `--json`. */
export function resultJson(result: ScoreResult): Record<string, unknown> {
  const { out, manifestFile, manifest, scorer } = result;
  const { counts, reasons, scores } = manifest;
  const common = { out, manifest: manifestFile, scorer, ...counts, reasons, ...(scores && { scores }) };
  if (result.scorer === 'length') return { ...common, counted: result.counted };
  const { ledger } = result;
  if (result.scorer === 'loss') {
    const { device, precision, texts, measured, tokens, speed } = result;
    return { ...common, ledger, device, precision, texts, measured, tokens, ...speed };
  }
  const { mass, ...judged } = result.counts;
  const { asked } = result;
  return { ...common, ledger, ...judged, ...(mass !== undefined && { mass }), ...(asked && { asked }) };
}
