import { setImmediate } from 'node:timers/promises';
import { dataError } from '../../core/errors.js';
import { startTask, type Task } from '../../core/task.js';
import { resolveStaging, type StagingPlan, stagingOptionsSchema } from '../../curriculum/staging-options.js';
import { averageRanks, rank } from '../../statistics/ranks.js';
import type { Cleaning } from '../cleaning.js';
import { type MatchBy, type Matched, matchRows } from '../match.js';
import type { Ratings } from '../ratings.js';
import {
  type Agreement,
  type LengthCorrelation,
  lengthCorrelation,
  measureAgreement,
  type RowLength,
} from './agreement.js';
import { type StageMoves, stageMoves, stagePair } from './moves.js';
import type { CompareOptions } from './options.js';

/** A file of scores with a short name for tables and pictures. */
export interface NamedRatings {
  readonly name: string;
  readonly ratings: Ratings;
}

/** A row that two scores disagree on. */
export interface Disagreement {
  /** Its id in the first file. */
  readonly id: string;
  readonly scores: readonly [first: number, second: number];
  /** Its rank under each score, in percent of the rows: 0 the easiest, 100 the hardest. */
  readonly ranks: readonly [first: number, second: number];
  /** The first characters of its instruction, where one of the files has it. */
  readonly start?: string;
}

/** Two files against each other. */
export interface PairComparison {
  readonly first: string;
  readonly second: string;
  readonly matchedBy: MatchBy;
  /** Rows that both have a score for. */
  readonly rows: number;
  /** Scored rows that only one of them has. */
  readonly only: readonly [first: number, second: number];
  /** Rows left out because their texts differ although their ids are the same. */
  readonly differing: number;
  readonly agreement: Agreement;
  readonly moves: StageMoves;
  readonly worst: readonly Disagreement[];
}

/** What comparing found. */
export interface Comparison {
  readonly files: readonly { readonly name: string; readonly path: string; readonly cleaning: Cleaning }[];
  readonly stages: number;
  /** Empty where the stages have equal rows. */
  readonly thresholds: readonly number[];
  readonly bootstrap: { readonly resamples: number; readonly level: number; readonly seed: number };
  readonly pairs: readonly PairComparison[];
  /** By the name of the file; missing for files without text. */
  readonly lengths: Readonly<Record<string, LengthCorrelation>>;
}

/** Resamples done, of all pairs and lengths together. */
export interface ComparisonProgress {
  readonly done: number;
  readonly total: number;
  /** What is being compared. */
  readonly note: string;
}

/** What {@link compareRatings} returns. */
export interface ComparedRatings {
  readonly comparison: Comparison;
  /** For each pair the scores that a plot needs. */
  readonly matches: readonly Matched[];
}

/** Resamples between two moments at which other work, such as a signal, gets its turn. */
const RESAMPLES_PER_TURN = 10;

/**
 * Compares every file with every other, on the rows that both have a score for, and each with the length of its rows. Throws a data
 * error for two files with fewer than two rows in common, and a usage error for thresholds that are none.
 *
 * @example
 * const files = [
 *   { name: 'length', ratings: await readRatings('scored.jsonl') },
 *   { name: 'again', ratings: await readRatings('scored.jsonl') },
 * ];
 * const { comparison } = await compareRatings(files, compareOptionsSchema.parse({ resamples: 100 })).result;
 * console.log(plainLines(comparisonReport(comparison)).join('\n'));
 */
export const compareRatings = (
  files: readonly NamedRatings[],
  options: CompareOptions,
): Task<ComparisonProgress, ComparedRatings> => startTask(() => compareAll(files, options));

async function* compareAll(
  files: readonly NamedRatings[],
  options: CompareOptions,
): AsyncGenerator<ComparisonProgress, ComparedRatings> {
  const { resamples, level, seed, stages, thresholds } = options;
  const plan = resolveStaging(stagingOptionsSchema.parse({ stages, thresholds, seed }));
  const couples = files.flatMap((first, i) => files.slice(i + 1).map((second) => [first, second] as const));
  const matches = couples.map(([first, second]) => checkMatch(first, second, options.match));
  const rowLengths = files.map(({ ratings }) => lengthsOf(ratings, files));
  const withLengths = files.filter((_, i) => rowLengths[i]!.length > 1);
  const total = (couples.length + withLengths.length) * resamples;
  let before = 0;
  async function* resampled<T>(work: Generator<number, T>, note: string): AsyncGenerator<ComparisonProgress, T> {
    for (;;) {
      const step = work.next();
      if (step.done) {
        before += resamples;
        return step.value;
      }
      if (step.value % RESAMPLES_PER_TURN > 0) continue;
      await setImmediate();
      yield { done: before + step.value, total, note };
    }
  }
  const pairs: PairComparison[] = [];
  for (const [i, [first, second]] of couples.entries()) {
    const pair = comparePair(first, second, matches[i]!, plan, options);
    pairs.push(yield* resampled(pair, `${first.name} and ${second.name}`));
  }
  const lengths: Record<string, LengthCorrelation> = {};
  for (const [i, { name }] of files.entries())
    if (rowLengths[i]!.length > 1)
      lengths[name] = yield* resampled(lengthCorrelation(rowLengths[i]!, options), `${name} and how long its rows are`);
  const inputs = files.map(({ name, ratings: { path, cleaning } }) => ({ name, path, cleaning }));
  const bootstrap = { resamples, level, seed };
  const settings = { stages: plan.stages, thresholds: plan.thresholds ?? [], bootstrap };
  return { comparison: { files: inputs, ...settings, pairs, lengths }, matches };
}

function checkMatch(first: NamedRatings, second: NamedRatings, match: CompareOptions['match']): Matched {
  const matched = matchRows(first.ratings, second.ratings, match === 'auto' ? undefined : match);
  if (matched.ids.length >= 2) return matched;
  const some = ({ ratings }: NamedRatings) => [...ratings.scores.keys()].slice(0, 3).join(', ');
  const differing = matched.differing > 0 ? `, ${matched.differing} ids with another text` : '';
  throw dataError(
    `${first.ratings.path} and ${second.ratings.path}: expected scored rows in common, found ${matched.ids.length} (ids such as ${some(first)}; and ${some(second)}${differing})`,
    {
      first: first.ratings.path,
      second: second.ratings.path,
      remedies: [
        { advice: 'name the columns with `idColumn` and `scoreColumn`' },
        { option: 'match', change: 'set', value: 'content', note: 'where both files have the instructions' },
      ],
    },
  );
}

function* comparePair(
  { name: first, ratings: one }: NamedRatings,
  { name: second, ratings: other }: NamedRatings,
  { by, ids, x, y, only, differing }: Matched,
  plan: StagingPlan,
  options: CompareOptions,
): Generator<number, PairComparison> {
  const staged = stagePair(x, y, plan);
  const textsOf = (id: string) => [one.texts.get(id), by === 'id' ? other.texts.get(id) : undefined];
  const lengths = ids.map((id) => textsOf(id).find((text) => text?.answer !== undefined)?.answer);
  const answers = lengths.every((length) => length !== undefined) ? lengths : undefined;
  const { range, ...bootstrap } = options;
  const found = yield* measureAgreement({ x, y, staged, stages: plan.stages, range, answers }, bootstrap);
  const worst = worstRows(ids, x, y, options.worst).map((row): Disagreement => {
    const start = textsOf(row.id).find((text) => text)?.start;
    return start === undefined ? row : { ...row, start };
  });
  const moves = stageMoves(staged, plan.stages);
  return { first, second, matchedBy: by, rows: ids.length, only, differing, agreement: found, moves, worst };
}

/** The rows whose ranks lie farthest apart, farthest first. */
function worstRows(ids: readonly string[], x: Float64Array, y: Float64Array, count: number): Disagreement[] {
  const percent = (values: Float64Array) => {
    const ranked = rank(values);
    const ranks = averageRanks(ranked);
    return Float64Array.from(ranked.group, (group) => (100 * (ranks[group]! - 1)) / (values.length - 1));
  };
  const [one, other] = [percent(x), percent(y)];
  const apart = one.map((share, i) => Math.abs(share - other[i]!));
  const order = Array.from(ids.keys()).sort((i, j) => apart[j]! - apart[i]! || i - j);
  return order.slice(0, count).map((i) => ({ id: ids[i]!, scores: [x[i]!, y[i]!], ranks: [one[i]!, other[i]!] }));
}

/** The scored rows of a file whose whole text is known, from itself or, for a sheet or a table, from another file with the same row. */
function lengthsOf({ scores, texts }: Ratings, files: readonly NamedRatings[]): RowLength[] {
  return [...scores].flatMap(([id, score]) => {
    const own = texts.get(id);
    const same = files.map(({ ratings }) => ratings.texts.get(id)).filter((text) => !own || text?.key === own.key);
    const { instruction, answer } = [own, ...same].find((text) => text?.answer !== undefined) ?? {};
    return instruction === undefined || answer === undefined ? [] : [{ score, instruction, answer }];
  });
}
