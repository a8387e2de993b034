import { basename } from 'node:path';
import { shownName } from '../../core/shown.js';
import type { Estimate } from '../../statistics/bootstrap.js';
import type { Block } from '../../telemetry/document.js';
import { formatCount } from '../../telemetry/format.js';
import { cleaningLines } from '../cleaning.js';
import type { Agreement } from './agreement.js';
import type { Comparison, PairComparison } from './compare.js';

/** Settings of {@link comparisonReport}. */
export interface ReportSettings {
  /** Also shows how the instructions of the worst disagreements begin. Default true. */
  readonly texts?: boolean;
  /** File of the picture of a pair, as seen from where the report is. */
  readonly pictureOf?: ((pair: PairComparison) => string) | undefined;
}

/**
 * A comparison for people: files, agreement, length, stages, worst disagreements.
 *
 * @example
 * const ratings = await readRatings('scored.jsonl');
 * const files = [{ name: 'one', ratings }, { name: 'other', ratings }];
 * const { comparison } = await compareRatings(files, compareOptionsSchema.parse({ resamples: 0 })).result;
 * console.log(markdown(comparisonReport(comparison)));
 */
export function comparisonReport(comparison: Comparison, { texts = true, pictureOf }: ReportSettings = {}): Block[] {
  const { pairs } = comparison;
  const pictures = pairs.flatMap((pair): Block[] =>
    pictureOf ? [{ kind: 'picture', title: titleOf(pair), file: pictureOf(pair) }] : [],
  );
  return [
    ...fileBlocks(comparison),
    ...agreementBlocks(comparison),
    ...pictures,
    ...lengthBlocks(comparison),
    ...pairs.flatMap((pair) => stageBlocks(pair, comparison)),
    ...pairs.flatMap((pair) => worstBlocks(pair, texts)),
  ];
}

const titleOf = ({ first, second }: PairComparison) => `${first} and ${second}`;

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;

function fileBlocks({ files }: Comparison): Block[] {
  const rows = files.map(({ name, path, cleaning }) => [
    name,
    basename(path),
    formatCount(cleaning.rows),
    formatCount(cleaning.kept),
  ]);
  const notes = files.flatMap(({ name, cleaning }) => cleaningLines(cleaning).map((line) => `${name}: ${line}`));
  return [
    { kind: 'heading', text: 'Scores' },
    { kind: 'table', rows: [['name', 'file', 'rows', 'with a score'], ...rows], left: 2 },
    ...notes.map((text): Block => ({ kind: 'paragraph', text })),
  ];
}

/** A value with its interval: `0.612 [0.598, 0.626]`; `not defined` where there is none. */
export function shownEstimate({ value, interval }: Estimate, digits = 3): string {
  if (value === null) return 'not defined';
  const fixed = (n: number) => n.toFixed(digits).replace(/^-(0\.?0*)$/, '$1');
  return interval ? `${fixed(value)} [${fixed(interval[0])}, ${fixed(interval[1])}]` : fixed(value);
}

const STATISTICS: readonly (readonly [keyof Omit<Agreement, 'pairs'>, string, number])[] = [
  ['order', 'same order, % of pairs both tell apart', 1],
  ['orderWithTies', 'same answer, % of all pairs, ties counted', 1],
  ['spearman', 'Spearman', 3],
  ['kendall', 'Kendall tau-b', 3],
  ['kappa', 'quadratic kappa of the stages', 3],
  ['kappaRounded', 'quadratic kappa of rounded scores', 3],
  ['pearson', 'Pearson', 3],
  ['overLength', 'Spearman over that of length', 3],
];

/** Left out where they are defined for no pair. */
const OPTIONAL: readonly string[] = ['kappaRounded', 'overLength'];

/** Pairs beside each other before a table gets too wide. */
const WIDE = 3;

function agreementBlocks({ pairs, bootstrap: { resamples, level } }: Comparison): Block[] {
  const groups = Array.from({ length: Math.ceil(pairs.length / WIDE) }, (_, i) =>
    pairs.slice(i * WIDE, (i + 1) * WIDE),
  );
  const tables = groups.map((group): Block => {
    const defined = STATISTICS.filter(
      ([key]) => !OPTIONAL.includes(key) || group.some(({ agreement }) => agreement[key].value !== null),
    );
    const rows = defined.map(([key, name, digits]) => [
      name,
      ...group.map(({ agreement }) => shownEstimate(agreement[key], digits)),
    ]);
    const head = ['', ...group.map(titleOf)];
    return { kind: 'table', rows: [head, ['rows', ...group.map((pair) => formatCount(pair.rows))], ...rows] };
  });
  const unmatched = pairs.flatMap(matchNotes);
  const known = pairs.some(({ agreement }) => agreement.overLength.value !== null);
  const beyond = known
    ? ' Over that of length: Spearman minus that of answer length with the first score; above 0, the second score does better than length.'
    : '';
  const intervals =
    resamples > 0
      ? ` In brackets: ${percent(level).replace('.0', '')} intervals of ${formatCount(resamples)} resamples of the rows.`
      : '';
  return [
    { kind: 'heading', text: 'Agreement' },
    ...tables,
    {
      kind: 'paragraph',
      text: `Same order: of two rows, both scores call the same one harder; 50 % is chance.${beyond}${intervals}`,
    },
    ...unmatched.map((text): Block => ({ kind: 'paragraph', text })),
  ];
}

function matchNotes(pair: PairComparison): string[] {
  const { first, second, matchedBy, rows, only, differing } = pair;
  const apart = [
    ...(only[0] > 0 ? [`${formatCount(only[0])} scored rows are only in ${first}`] : []),
    ...(only[1] > 0 ? [`${formatCount(only[1])} only in ${second}`] : []),
    ...(differing > 0 ? [`${formatCount(differing)} have the same id but another text and are left out`] : []),
  ];
  const few = rows < 30 ? [`${titleOf(pair)}: ${rows} rows say little; look at the intervals.`] : [];
  return [
    ...(matchedBy === 'content' || apart.length > 0
      ? [`${titleOf(pair)}: rows matched by ${matchedBy}${apart.length > 0 ? `; ${apart.join('; ')}` : ''}.`]
      : []),
    ...few,
  ];
}

function lengthBlocks({ lengths }: Comparison): Block[] {
  const rows = Object.entries(lengths).map(([name, { rows, both, instruction, answer }]) => [
    name,
    formatCount(rows),
    ...[both, instruction, answer].map((one) => shownEstimate(one)),
  ]);
  if (rows.length === 0) return [];
  return [
    { kind: 'heading', text: "Against length (Spearman's correlation with the estimated tokens)" },
    { kind: 'table', rows: [['', 'rows', 'whole row', 'instruction', 'answer'], ...rows] },
  ];
}

function stageBlocks(pair: PairComparison, { stages, thresholds }: Comparison): Block[] {
  const { first, second, moves } = pair;
  const cut = thresholds.length > 0 ? `at ${thresholds.join(', ')}` : `into ${stages} stages of equal rows`;
  const head = [`${first} \\ ${second}`, ...moves.table.map((_, i) => `stage ${i + 1}`)];
  const rows = moves.table.map((row, i) => [`stage ${i + 1}`, ...row.map(formatCount)]);
  const far = moves.moved.slice(1).map((n, i) => `${formatCount(n)} by ${i + 1}`);
  const tied = [first, second].flatMap((name, i) =>
    moves.tied[i]! > 0
      ? [`${formatCount(moves.tied[i]!)} rows of ${name} are tied at a cut, so that the seed decides their stage`]
      : [],
  );
  const changed = `${percent(moves.changed)} of the rows change their stage (${far.join(', ')}); ${percent(moves.chance)} would by chance.`;
  return [
    { kind: 'heading', text: `Stages of ${titleOf(pair)}, cut ${cut}` },
    { kind: 'table', rows: [head, ...rows] },
    { kind: 'paragraph', text: `${changed}${tied.length > 0 ? ` ${tied.join('; ')}.` : ''}` },
  ];
}

function worstBlocks(pair: PairComparison, texts: boolean): Block[] {
  const { first, second, worst } = pair;
  if (worst.length === 0) return [];
  const withTexts = texts && worst.some(({ start }) => start !== undefined);
  const rank = (share: number) => `${Math.round(share)} %`;
  const rows = worst.map(({ id, scores, ranks, start }) => [
    shownName(id, 40),
    ...(withTexts ? [shownName(start ?? '', 60)] : []),
    ...scores.map(shownScore),
    ...ranks.map(rank),
  ]);
  const names = [first, second];
  const head = ['id', ...(withTexts ? ['instruction'] : []), ...names, ...names.map((name) => `${name} harder than`)];
  return [
    { kind: 'heading', text: `Worst disagreements of ${titleOf(pair)}` },
    { kind: 'table', rows: [head, ...rows], left: withTexts ? 2 : 1 },
  ];
}

const shownScore = (score: number) => String(Number(score.toPrecision(5)));
