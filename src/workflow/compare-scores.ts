import { dirname, join, parse, relative } from 'node:path';
import { parseOptions } from '../config/given-options.js';
import { PhasetuneError, usageError } from '../core/errors.js';
import { startTask, type Task } from '../core/task.js';
import { writeFileAtomic, writeJson } from '../io/atomic.js';
import { exists } from '../io/files.js';
import { refuseInputs } from '../io/same-file.js';
import {
  type Comparison,
  type ComparisonProgress,
  compareRatings,
  type NamedRatings,
  type PairComparison,
} from '../scoring/compare/compare.js';
import { comparisonReport } from '../scoring/compare/report.js';
import type { Matched } from '../scoring/match.js';
import { markdown } from '../telemetry/document.js';
import { drawAgreement } from './agreement-picture.js';
import { type CompareScoresOptions, compareScoresOptionsSchema } from './compare-options.js';
import type { Hooks } from './hooks.js';
import { ratingsOf } from './rating-columns.js';

/**
 * What {@link compareScores} reports: how many resamples are done, then the comparison, before any
 * report is written.
 */
export type CompareScoresEvent =
  | ({ readonly type: 'resample' } & ComparisonProgress)
  | { readonly type: 'compared'; readonly comparison: Comparison };

/** What {@link compareScores} returns. */
export interface CompareScoresResult {
  readonly comparison: Comparison;
  /** Reports and pictures, in the order in which they were written. */
  readonly written: readonly string[];
}

/**
 * Measures how well scores of the same rows agree: order, rank correlation, rows that change their
 * stage, the worst disagreements, each with bootstrap intervals; ratings by people count as scores.
 * Writes a report and pictures where they are asked for.
 *
 * @example
 * const { comparison } = await compareScores({ files: ['all=scored.jsonl', 'easy=staged/stage-1.jsonl'] }).result;
 * for (const { first, second, agreement } of comparison.pairs) console.log(first, second, agreement.spearman.value);
 */
export const compareScores = (
  options: CompareScoresOptions,
  hooks: Pick<Hooks, 'signal'> = {},
): Task<CompareScoresEvent, CompareScoresResult> => startTask(() => compareFiles(options, hooks));

async function* compareFiles(
  given: CompareScoresOptions,
  { signal }: Pick<Hooks, 'signal'>,
): AsyncGenerator<CompareScoresEvent, CompareScoresResult> {
  const { files, out, plots, ...options } = parseOptions(compareScoresOptionsSchema, given);
  const inputs = nameFiles(files);
  const paths = inputs.map(({ path }) => path);
  if (out !== undefined) await refuseInputs({ out }, paths);
  const named: NamedRatings[] = [];
  for (const { name, path } of inputs) named.push({ name, ratings: await ratingsOf(path, options) });
  if (out !== undefined && !/\.(md|json)$/i.test(out))
    throw usageError(`\`out\`: expected a name that ends with .md or .json, got ${out}`, { option: 'out' });
  const comparing = compareRatings(named, options);
  for await (const progress of comparing.events) {
    if (signal?.aborted) throw new PhasetuneError('interrupted', 'stopped before the scores were compared');
    yield { type: 'resample', ...progress };
  }
  const { comparison, matches } = await comparing.result;
  yield { type: 'compared', comparison };
  return { comparison, written: await writeReports(comparison, matches, { out, plots }) };
}

/** Files with their short names, each name once. */
function nameFiles(files: readonly string[]): { name: string; path: string }[] {
  const named = files.map((file) => {
    const [, name, path] = /^([^=/\\]+)=(.+)$/.exec(file) ?? [];
    if (name !== undefined && path !== undefined && !exists(file)) return { name, path };
    return { name: parse(file.replace(/\.gz$/i, '')).name, path: file };
  });
  const twice = named.find(({ name }, i) => named.findIndex((other) => other.name === name) < i);
  if (!twice) return named;
  const example = named.map(({ path }, i) => `${'abcdefgh'[i] ?? `f${i}`}=${path}`).join(' ');
  throw usageError(`two files would be called ${twice.name}`, {
    name: twice.name,
    option: 'files',
    remedies: [{ advice: `give them names: ${example}` }],
  });
}

/** Writes the report and the pictures; returns their names. */
async function writeReports(
  comparison: Comparison,
  matches: readonly Matched[],
  { out, plots }: { readonly out: string | undefined; readonly plots: string | undefined },
): Promise<string[]> {
  const markdownOut = out !== undefined && /\.md$/i.test(out) ? out : undefined;
  const folder = plots ?? (markdownOut && dirname(markdownOut));
  const prefix = plots === undefined && markdownOut ? `${parse(markdownOut).name}-` : '';
  const safe = (name: string) => name.replace(/[^\w.+-]+/g, '_');
  const fileOf = ({ first, second }: PairComparison) => join(folder!, `${prefix}${safe(first)}-${safe(second)}.svg`);
  const written: string[] = [];
  const inputs = comparison.files.map(({ path }) => path);
  const write = async (path: string, content: string) => {
    await refuseInputs({ out: out ?? folder!, beside: [path] }, inputs);
    await writeFileAtomic(path, content);
    written.push(path);
  };
  if (folder !== undefined)
    for (const [i, pair] of comparison.pairs.entries()) await write(fileOf(pair), drawAgreement(pair, matches[i]!));
  if (markdownOut !== undefined) {
    const pictureOf = (pair: PairComparison) => relative(dirname(markdownOut), fileOf(pair));
    await write(markdownOut, markdown(comparisonReport(comparison, { pictureOf })));
  } else if (out !== undefined) {
    await writeJson(out, { schema: 'phasetune/agreement', version: 1, ...comparison });
    written.push(out);
  }
  return written;
}
