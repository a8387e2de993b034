/**
 * Makes the page that compares GPT-4's released scores with the loss-based score and with length, on rows that are not ours:
 *
 *   npx tsx scripts/make-scores-page.ts --gpt4 gpt4.jsonl --ifd ifd.jsonl --length length.jsonl \
 *     [--drawn-ifd drawn-ifd.jsonl --drawn-length drawn-length.jsonl] [--prepared COMMAND ...] --out docs/results/scores.md
 *
 * The first three are the rows of PhasedSFT's third stage with the score of each kind, as `phasetune score import`, `phasetune score --scorer loss`
 * and `--scorer length` write them. GPT-4 rated all of these 3.5 or more; the other two, if they are given, are a random draw of all 52k rows,
 * in which those that are not among the first were rated lower: three bands over the whole scale. Pictures come beside the page.
 * `--prepared` are the commands that made the scorers' inputs, for the page to show: IFD may be of a sample of the rows.
 * The page has numbers and ids only: no text of the rows gets into it.
 */
import { basename, dirname, join, parse } from 'node:path';
import { parseArgs } from 'node:util';
import { groupBy } from '../src/core/lists.js';
import { writeFileAtomic } from '../src/io/atomic.js';
import { hashFile } from '../src/io/files.js';
import { compareRatings, type NamedRatings, type PairComparison } from '../src/scoring/compare/compare.js';
import { compareOptionsSchema } from '../src/scoring/compare/options.js';
import { comparisonReport } from '../src/scoring/compare/report.js';
import { readRatings } from '../src/scoring/ratings.js';
import { readScoresManifest } from '../src/scoring/scored.js';
import { type Block, markdown } from '../src/telemetry/document.js';
import { drawAgreement } from '../src/workflow/agreement-picture.js';
import { bandBlocks } from './scores/bands.js';
import { commandOf } from './scores/command-of.js';
import { inShort } from './scores/in-short.js';
import { threeWay } from './scores/three-way.js';

const { values: args } = parseArgs({
  options: {
    gpt4: { type: 'string' },
    ifd: { type: 'string' },
    length: { type: 'string' },
    'drawn-ifd': { type: 'string' },
    'drawn-length': { type: 'string' },
    out: { type: 'string' },
    prepared: { type: 'string', multiple: true, default: [] },
    resamples: { type: 'string', default: '1000' },
  },
});

const need = (flag: 'gpt4' | 'ifd' | 'length' | 'out'): string => {
  const value = args[flag];
  if (value === undefined) throw new Error(`--${flag} FILE is missing`);
  return value;
};

const out = need('out');
const read = async (name: string, path: string): Promise<NamedRatings> => ({ name, ratings: await readRatings(path) });
const files = [await read('GPT-4', need('gpt4')), await read('IFD', need('ifd')), await read('length', need('length'))];
const options = compareOptionsSchema.parse({ resamples: Number(args.resamples), worst: 10 });
const pictureOf = ({ first, second }: PairComparison) => `${parse(out).name}-${first}-${second}.svg`.toLowerCase();

const { comparison, matches } = await compareRatings(files, options).result;
const together: Block[] = threeWay(['GPT-4', 'IFD', 'length'], [matches[0]!, matches[1]!]);
for (const [i, pair] of comparison.pairs.entries())
  await writeFileAtomic(join(dirname(out), pictureOf(pair)), drawAgreement(pair, matches[i]!));

const paragraph = (text: string): Block => ({ kind: 'paragraph', text });
const heading = (text: string): Block => ({ kind: 'heading', text });

const drawn =
  args['drawn-ifd'] && args['drawn-length']
    ? await bandBlocks(
        files[0]!.ratings,
        [await read('IFD', args['drawn-ifd']), await read('length', args['drawn-length'])],
        options,
      )
    : [];

const inputs = [need('gpt4'), need('ifd'), need('length'), args['drawn-ifd'], args['drawn-length']].filter(
  (path): path is string => path !== undefined,
);

const manifests = await Promise.all(inputs.map((path) => readScoresManifest(path)));

async function fileRow(path: string, i: number): Promise<string[]> {
  const { counts, scores } = manifests[i] ?? {};
  const told = counts ? `${counts.scored} of ${counts.rows}` : '';
  const short = (n: number) => String(Number(n.toPrecision(4)));
  const span = scores ? `${short(scores.min)} to ${short(scores.max)}, mean ${short(scores.mean)}` : '';
  return [basename(path), (await hashFile(path)).slice(0, 16), told, span];
}

const { prepared, resamples: _, ...paths } = args;
const shownArgs = Object.entries(paths).flatMap(([flag, path]) =>
  path === undefined ? [] : [`--${flag} ${flag === 'out' ? 'docs/results/scores.md' : basename(path)}`],
);
const lowest = Math.min(...files[0]!.ratings.scores.values());

/** How many rows have the same few scores: a cut into equal stages goes through them. */
function commonest(scores: ReadonlyMap<string, number>): string {
  const counts = [...groupBy(scores.values(), (score) => score)]
    .map(([score, { length }]) => ({ score, rows: length }))
    .sort((x, y) => y.rows - x.rows)
    .slice(0, 4);
  const share = counts.reduce((sum, { rows }) => sum + rows, 0) / scores.size;
  const named = counts.map(({ score }) => score).sort((x, y) => x - y);
  return `${(100 * share).toFixed(1)} % of GPT-4's scores are one of ${named.join(', ')}, so a cut into equal stages splits ties.`;
}

const blocks: Block[] = [
  { kind: 'heading', text: 'GPT-4, a small model and a ruler: do they find the same rows difficult?', level: 1 },
  paragraph(
    `This page compares three scores of the same ${comparison!.pairs[0]!.rows.toLocaleString('en-US')} rows, from the third stage that Phased IFT (arXiv 2406.04371) released: **GPT-4**, the released scores, 3.5 to 5; **IFD** (Li et al. 2023, arXiv 2308.12032), the loss of the answer given the instruction divided by its loss alone, computed with ${basename(String(manifests[1]?.options.model ?? 'a model'))}; **length**, the ${manifests[2]?.options.counted === 'tokenizer' ? 'number of' : 'estimated'} tokens of the answer. A script generates this page. It contains only numbers and ids, because the rows belong to others.`,
  ),
  heading('In short'),
  paragraph(
    inShort(comparison!)
      .map((line) => `- ${line}`)
      .join('\n'),
  ),
  paragraph(
    `All of these rows were rated ${lowest} or more. Easy rows are missing, and correlations within part of a scale are smaller than over the whole scale. ${commonest(files[0]!.ratings.scores)}`,
  ),
  ...comparisonReport(comparison!, { texts: false, pictureOf }),
  ...together,
  ...drawn,
  heading('How this page is generated'),
  paragraph(
    [
      '```sh',
      ...prepared,
      ...inputs.flatMap((path, i) => (manifests[i] ? [commandOf(manifests[i], basename(path))] : [])),
      `npx tsx scripts/make-scores-page.ts ${shownArgs.join(' ')}`,
      '```',
    ].join('\n'),
  ),
  paragraph(
    `Intervals are percentiles of ${comparison!.bootstrap.resamples.toLocaleString('en-US')} resamples of the rows (seed ${comparison!.bootstrap.seed}). The paper says that GPT-4 and people order about 75 % of pairs the same way; we do not know how it counts ties, so both figures are given. The scored files:`,
  ),
  {
    kind: 'table',
    rows: [['file', 'SHA-256 begins', 'scored', 'scores'], ...(await Promise.all(inputs.map(fileRow)))],
    left: 4,
  },
];
await writeFileAtomic(out, markdown(blocks));
console.log(`written to ${out}`);
