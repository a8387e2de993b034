import { dirname, join, parse, relative } from 'node:path';
import * as z from 'zod';
import { usageError } from '../../core/errors.js';
import type { Comparison, NamedRatings, PairComparison } from '../../scoring/compare/compare.js';
import { type CompareOptions, compareOptionsSchema } from '../../scoring/compare/options.js';
import type { Matched } from '../../scoring/match.js';
import { type CommandContext, defineCommand } from '../command.js';
import { ratingOptions, ratingsOf } from '../ratings.js';

/** `phasetune score compare`: how well several scores of the same rows agree. */
export const scoreCompare = defineCommand({
  command: 'score compare <files..>',
  describe: 'tell how well scores agree: order, rank correlation, stages that change, worst rows; human ratings too',
  schema: z.strictObject({
    files: z
      .array(z.string().min(1))
      .min(2)
      .describe(
        'two or more: scored rows, tables of ratings (.csv, .tsv) or JSON with ids; NAME=FILE gives a short name',
      ),
    ...compareOptionsSchema.shape,
    ...ratingOptions,
    out: z.string().min(1).optional().describe('report to write: .md, with pictures beside it, or .json'),
    plots: z.string().min(1).optional().describe('folder to write a picture (.svg) of each pair to'),
  }),
  examples: [
    ['phasetune score compare scored.jsonl sheet.csv', "a judge's scores and the ratings of a sheet"],
    [
      'phasetune score compare gpt4=a.jsonl ifd=b.jsonl length=c.jsonl --out agreement.md',
      'three scorers, as a report',
    ],
    [
      'phasetune score compare a.jsonl b.csv --score-column level --stages 4 --plots plots',
      'four stages, with pictures',
    ],
  ],
  onlyPrints: ({ out, plots }) => out === undefined && plots === undefined,
  async run({ files, out, plots, idColumn, scoreColumn, ...options }, context) {
    const { comparisonReport } = await import('../../scoring/compare/report.js');
    const { plainLines } = await import('../../telemetry/document.js');
    const { refuseInputs } = await import('../../io/same-file.js');
    const named: NamedRatings[] = [];
    const inputs = await namesOf(files);
    if (out !== undefined)
      await refuseInputs(
        { out },
        inputs.map(({ path }) => path),
      );
    for (const { name, path } of inputs) {
      named.push({ name, ratings: await ratingsOf(path, { idColumn, scoreColumn, range: options.range }) });
    }
    if (out !== undefined && !/\.(md|json)$/i.test(out))
      throw usageError(`--out: expected a name that ends with .md or .json, got ${out}`, { flag: 'out' });
    const { comparison, matches } = await compare(named, options, context);
    for (const line of plainLines(comparisonReport(comparison))) context.print(line);
    const written = await writeReport(comparison, matches, { out, plots });
    if (written.length > 0) context.print('');
    for (const file of written) context.print(`written to ${file}`);
    return { ...comparison, written };
  },
});

/** Files with their short names, each name once. */
async function namesOf(files: readonly string[]): Promise<{ name: string; path: string }[]> {
  const { exists } = await import('../../io/files.js');
  const named = files.map((file) => {
    const [, name, path] = /^([^=/\\]+)=(.+)$/.exec(file) ?? [];
    if (name !== undefined && path !== undefined && !exists(file)) return { name, path };
    return { name: parse(file.replace(/\.gz$/i, '')).name, path: file };
  });
  const twice = named.find(({ name }, i) => named.findIndex((other) => other.name === name) < i);
  if (!twice) return named;
  throw usageError(
    `two files would be called ${twice.name}; give them names: ${named.map(({ path }, i) => `${'abcdefgh'[i] ?? `f${i}`}=${path}`).join(' ')}`,
    { name: twice.name },
  );
}

async function compare(files: readonly NamedRatings[], options: CompareOptions, { progress }: CommandContext) {
  const { compareRatings: compareScores } = await import('../../scoring/compare/compare.js');
  let bar: ReturnType<typeof progress> | undefined;
  try {
    for await (const event of compareScores(files, options)) {
      if (event.type === 'compared') return event;
      bar ??= progress({ label: 'resamples', total: event.total });
      bar.update(event.done, event.note);
    }
  } finally {
    bar?.finish();
  }
  throw new Error('comparing ended without a result');
}

/** Writes the report and the pictures; returns their names. */
async function writeReport(
  comparison: Comparison,
  matches: readonly Matched[],
  { out, plots }: { out: string | undefined; plots: string | undefined },
): Promise<string[]> {
  const { writeFileAtomic, writeJson } = await import('../../io/atomic.js');
  const { plotOf } = await import('../plots.js');
  const markdownOut = out !== undefined && /\.md$/i.test(out) ? out : undefined;
  const folder = plots ?? (markdownOut && dirname(markdownOut));
  const prefix = plots === undefined && markdownOut ? `${parse(markdownOut).name}-` : '';
  const safe = (name: string) => name.replace(/[^\w.+-]+/g, '_');
  const fileOf = ({ first, second }: PairComparison) => join(folder!, `${prefix}${safe(first)}-${safe(second)}.svg`);
  const written: string[] = [];
  const { refuseInputs } = await import('../../io/same-file.js');
  const inputs = comparison.files.map(({ path }) => path);
  const write = async (path: string, content: string) => {
    await refuseInputs({ out: out ?? folder!, beside: [path] }, inputs);
    await writeFileAtomic(path, content);
    written.push(path);
  };
  if (folder !== undefined)
    for (const [i, pair] of comparison.pairs.entries()) await write(fileOf(pair), plotOf(pair, matches[i]!));
  if (markdownOut !== undefined) {
    const { comparisonReport } = await import('../../scoring/compare/report.js');
    const { markdown } = await import('../../telemetry/document.js');
    const pictureOf = (pair: PairComparison) => relative(dirname(markdownOut), fileOf(pair));
    await write(markdownOut, markdown(comparisonReport(comparison, { pictureOf })));
  } else if (out !== undefined) {
    await writeJson(out, { schema: 'phasetune/agreement', version: 1, ...comparison });
    written.push(out);
  }
  return written;
}
