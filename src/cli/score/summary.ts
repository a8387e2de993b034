import { bin } from 'd3-array';
import { PhasetuneError } from '../../core/errors.js';
import { roundShort, scaleToOrdinary } from '../../core/ordinary.js';
import type { Feature } from '../../endpoint/types.js';
import { type ScoresManifest, scoredPaths } from '../../scoring/scored.js';
import { formatCount, formatCounted } from '../../telemetry/format.js';
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
export function tellScores(
  out: string,
  { counts, scores, reasons, failures, without }: ScoresManifest,
  values: readonly number[],
  { print, logger }: Pick<CommandContext, 'print' | 'logger'>,
): void {
  if (scores) {
    print(
      `scores: ${short(scores.min)} to ${short(scores.max)}, mean ${short(scores.mean)}, standard deviation ${short(scores.deviation)}`,
    );
    for (const line of scoreBars(values)) print(line);
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
      `${formatCount(replies)} replies came without ${MISSING[feature as Feature] ?? feature}, because the endpoint refused it; the manifest records this`,
    );
}

/** The command that comes next, for a set where every row has its score. */
export const nextStep = (out: string): string =>
  `next: phasetune stage ${out} --out datasets/staged/${out.replace(/^.*[\\/]/, '').replace(/\.jsonl?$/i, '')}`;

/** What a scorer found, for `--json`. */
export const scoresJson = (out: string, { counts, scores, reasons, scorer }: ScoresManifest) => ({
  out,
  manifest: scoredPaths(out).manifest,
  scorer,
  ...counts,
  reasons,
  ...(scores && { scores }),
});

/** The error that reports at the end that rows were left out, though all else is written. */
export const leftOut = (
  out: string,
  { counts, reasons }: ScoresManifest,
  advice: string,
  details: PhasetuneError['fields'] = {},
): PhasetuneError =>
  new PhasetuneError(
    'endpoint',
    `${formatCount(counts.unscored)} of ${formatCount(counts.rows)} rows ${counts.unscored === 1 ? 'has' : 'have'} no score (${Object.entries(
      reasons,
    )
      .map(([kind, rows]) => `${kind} ${formatCount(rows)}`)
      .join(', ')}); the others are in ${out}; ${advice}`,
    { out, ...counts, ...details },
  );
