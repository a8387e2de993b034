import { measureAgreement } from '../../src/scoring/compare/agreement.js';
import type { NamedRatings } from '../../src/scoring/compare/compare.js';
import { stageMoves } from '../../src/scoring/compare/moves.js';
import type { CompareOptions } from '../../src/scoring/compare/options.js';
import { shownEstimate } from '../../src/scoring/compare/report.js';
import type { Ratings } from '../../src/scoring/ratings.js';
import { quantile } from '../../src/statistics/bootstrap.js';
import type { Block } from '../../src/telemetry/document.js';
import { inWords } from './in-short.js';

/** Where the paper cuts GPT-4's scores for its last stage, and where the bands of `make-bands.ts` go on. */
const CUTS = [3.5, 4.5];
const BANDS = ['under 3.5', '3.5 to under 4.5', '4.5 and over'];

/**
 * The random draw of all rows: its GPT-4 band (0: not among the rated rows, so under 3.5) against
 * each of the other scores, which are cut so that their stages have as many rows as the bands.
 */
export async function bandBlocks(
  rated: Ratings,
  drawn: readonly NamedRatings[],
  options: CompareOptions,
): Promise<Block[]> {
  const scoreOf = new Map([...rated.texts].map(([id, { key }]) => [key, rated.scores.get(id)!]));
  const found = drawn.map(({ name, ratings }) => {
    const ids = [...ratings.scores.keys()].filter((id) => ratings.texts.has(id));
    const bands = Uint8Array.from(ids, (id) => {
      const score = scoreOf.get(ratings.texts.get(id)!.key);
      return score === undefined ? 0 : CUTS.filter((cut) => score >= cut).length;
    });
    const scores = Float64Array.from(ids, (id) => ratings.scores.get(id)!);
    return { name, bands, scores, ...measure(bands, scores, options) };
  });
  const sizes = BANDS.map((_, band) => found[0]!.bands.filter((one) => one === band).length);
  const count = (n: number) => n.toLocaleString('en-US');
  const statistics = [
    ['same order, % of pairs both tell apart', 'order', 1],
    ['Spearman', 'spearman', 3],
    ['Kendall tau-b', 'kendall', 3],
    ['quadratic kappa of the stages', 'kappa', 3],
  ] as const;
  return [
    { kind: 'heading', text: 'Over the whole scale' },
    {
      kind: 'paragraph',
      text: `This is a random sample of ${count(found[0]!.scores.length)} of all 52k rows. Those among the rated rows have their GPT-4 score. The others were rated under 3.5; their exact scores were not published. This gives three bands of ${sizes.map(count).join(', ')} rows. The other scores are cut into stages of the same sizes.`,
    },
    {
      kind: 'table',
      rows: [
        ['', ...found.map(({ name }) => `GPT-4's band and ${name}`)],
        ...statistics.map(([told, key, digits]) => [
          told,
          ...found.map((one) => shownEstimate(one.agreement[key], digits)),
        ]),
        ['rows that change their stage', ...found.map(({ moves }) => `${(100 * moves.changed).toFixed(1)} %`)],
        ['by chance', ...found.map(({ moves }) => `${(100 * moves.chance).toFixed(1)} %`)],
        ['of the hardest band, also in the hardest stage', ...found.map(({ moves }) => hardest(moves.table))],
      ],
    },
    {
      kind: 'paragraph',
      text: found
        .map(({ name, agreement }) => `GPT-4's bands and ${name} have ${inWords(agreement.spearman)}.`)
        .join(' '),
    },
    {
      kind: 'table',
      rows: [
        ["GPT-4's band", 'rows', ...found.map(({ name }) => `${name}: median (first to third quartile)`)],
        ...BANDS.map((name, band) => [
          name,
          count(sizes[band]!),
          ...found.map((one) => spreadOf(one.bands, one.scores, band)),
        ]),
      ],
    },
  ];
}

function measure(bands: Uint8Array, scores: Float64Array, options: CompareOptions) {
  const rising = Array.from(scores.keys()).sort((i, j) => scores[i]! - scores[j]!);
  const sorted = bands.slice().sort();
  const second = new Uint8Array(bands.length);
  for (const [place, row] of rising.entries()) second[row] = sorted[place]!;
  const staged = { first: bands, second, tied: [0, 0] as const };
  const work = measureAgreement({ x: Float64Array.from(bands), y: scores, staged, stages: BANDS.length }, options);
  let step = work.next();
  while (!step.done) step = work.next();
  return { agreement: step.value, moves: stageMoves(staged, BANDS.length) };
}

function hardest(table: readonly (readonly number[])[]): string {
  const row = table.at(-1)!;
  return `${((100 * row.at(-1)!) / row.reduce((sum, n) => sum + n, 0)).toFixed(1)} %`;
}

function spreadOf(bands: Uint8Array, scores: Float64Array, band: number): string {
  const sorted = scores.filter((_, i) => bands[i] === band).sort();
  const at = (share: number) => String(Number(quantile(sorted, share).toPrecision(3)));
  return `${at(0.5)} (${at(0.25)} to ${at(0.75)})`;
}
