import { shownName } from '../../core/shown.js';
import type { Block } from '../../telemetry/document.js';
import { formatCount } from '../../telemetry/format.js';
import type { Evaluation } from './evaluation.js';
import { checkBlocks } from './report-checks.js';
import { judgeBlocks } from './report-judge.js';
import type { EvaluationResult, Mean } from './result.js';
import { shownEqualLength, shownInterval, shownLevel, shownRate } from './sentences.js';
import { aboutLine, answerLines, intervalsOver, MATCH_NAMES, markNote, winRateTable } from './summary.js';

/** Pictures as seen from where the report is. */
export interface ReportPictures {
  readonly winRates?: string | undefined;
  readonly bands?: string | undefined;
  /** By arm. */
  readonly lengths: Readonly<Record<string, string>>;
}

const heading = (text: string, level?: number): Block => ({ kind: 'heading', text, ...(level && { level }) });
const paragraph = (text: string): Block => ({ kind: 'paragraph', text });
const picture = (title: string, file: string | undefined): Block[] =>
  file === undefined ? [] : [{ kind: 'picture', title, file }];

/**
 * The report of an evaluation: warnings, the answer, and everything that it rests on. `parts` are sections of other
 * modules, such as the diagnosis.
 */
export function evaluationReport(
  result: EvaluationResult,
  evaluation: Evaluation,
  pictures: ReportPictures,
  parts: readonly Block[] = [],
): Block[] {
  return [
    heading(`Evaluation: ${Object.keys(result.arms).join(', ') || result.baseline} against ${result.baseline}`, 1),
    paragraph(`${aboutLine(result)}.`),
    ...warningBlocks(result),
    ...answerBlocks(result, pictures),
    ...missingBlocks(result),
    ...lengthBlocks(result, pictures),
    ...partBlocks(result, pictures),
    ...judgeBlocks(result),
    ...referenceBlocks(result),
    ...checkBlocks(result),
    ...parts,
    ...surprisingBlocks(result, evaluation),
    ...readingBlocks(result),
  ];
}

const warningBlocks = ({ warnings }: EvaluationResult): Block[] =>
  warnings.length === 0
    ? []
    : [heading('Before you read the answer'), paragraph(warnings.map((warning) => `- ${warning}`).join('\n'))];

function answerBlocks(result: EvaluationResult, pictures: ReportPictures): Block[] {
  if (!result.judge) return [];
  return [
    heading('Answer'),
    ...answerLines(result).map(paragraph),
    winRateTable(result),
    paragraph(winRateNote(result)),
    ...picture('Win rates', pictures.winRates),
  ];
}

/** How the table of win rates is read. */
export const winRateNote = (result: EvaluationResult): string =>
  `Win %: how often the arm's answer was preferred to ${result.baseline}'s, ties as half; 50 is a draw. Equal length: what it would be if both answers were equally long. p: how likely so large a difference is by chance, counted over all arms together. The intervals are over ${intervalsOver(result)}.${markNote(result)}`;

/** Verdicts that are missing, by arm and reason; empty where none is. */
export function missingBlocks({ arms, missing, maxMissing }: EvaluationResult): Block[] {
  if (missing.missing === 0) return [];
  const reasons = Object.keys(missing.by);
  const rows = Object.entries(arms).map(([arm, { rows, missing: own, missingBy, bounds }]) => [
    arm,
    `${formatCount(own)} of ${formatCount(rows)}`,
    ...reasons.map((reason) => formatCount(missingBy[reason] ?? 0)),
    bounds ? shownRate(bounds.low) : '-',
    bounds ? shownRate(bounds.high) : '-',
  ]);
  return [
    heading('Missing verdicts'),
    { kind: 'table', rows: [['arm', 'missing', ...reasons, 'all lost, %', 'all won, %'], ...rows] },
    paragraph(
      `A pair without a verdict in every order is missing: it is no tie, no loss, and it is not left out in silence. The last two columns are the win rate if all of them had been lost, or won. Over ${shownRate(100 * maxMissing)} % missing there is no verdict on an arm, and where one arm misses more than another there is none on any.`,
    ),
  ];
}

/** Lengths of the answers, and win rates at equal length. */
export function lengthBlocks(
  { baseline, arms, answers }: EvaluationResult,
  { lengths }: Pick<ReportPictures, 'lengths'> = { lengths: {} },
): Block[] {
  const known = Object.entries(arms).filter(([, { averageLength }]) => averageLength !== null);
  if (known.length === 0) return [];
  const rows = known.map(([arm, { averageLength, longer, lengthControlled: control }]) => [
    arm,
    averageLength!.toFixed(0),
    answers[arm]?.length ? answers[arm].length.median.toFixed(0) : '-',
    longer === null ? '-' : `${(100 * longer).toFixed(0)} %`,
    control ? `${(100 * control.overlap).toFixed(0)} %` : '-',
    shownEqualLength(control),
    control ? shownInterval(control) : '-',
    control?.state ?? '-',
  ]);
  const base = answers[baseline]?.length;
  return [
    heading('Length'),
    {
      kind: 'table',
      rows: [
        [
          'arm',
          'mean characters',
          'median',
          `longer than ${baseline}`,
          'overlap',
          'win % at equal length',
          'interval',
          'state',
        ],
        ...rows,
      ],
    },
    paragraph(
      `${base ? `The median answer of ${baseline} has ${base.median.toFixed(0)} characters. ` : ''}Judges like long answers. The win rate at equal length comes from a fit of the verdicts to the difference in length. It needs rows in which either side is the longer (overlap): from 20 % on it is shown, from 5 % it is extrapolated, below there is none.`,
    ),
    ...Object.entries(lengths).flatMap(([arm, file]) => picture(`Length against verdict: ${arm}`, file)),
  ];
}

/** Win rates in parts of the rows: sets, where there are several, and bands of difficulty. */
export function partBlocks({ arms, sets }: EvaluationResult, pictures: Pick<ReportPictures, 'bands'> = {}): Block[] {
  const table = (what: string, field: 'bySet' | 'byBand'): Block[] => {
    const names = [...new Set(Object.values(arms).flatMap((result) => Object.keys(result[field])))];
    const sorted = field === 'byBand' ? names.sort((x, y) => Number(x) - Number(y)) : names;
    if (sorted.length < 2) return [];
    const rows = Object.entries(arms).flatMap(([arm, result]) =>
      sorted.map((name) => {
        const rate = result[field][name];
        return [
          arm,
          name,
          rate ? shownRate(rate.winRate) : '-',
          rate ? shownInterval(rate) : '-',
          formatCount(rate?.n ?? 0),
        ];
      }),
    );
    return [{ kind: 'table', left: 2, rows: [['arm', what, 'win %', 'interval', 'verdicts'], ...rows] }];
  };
  const bySet = sets.length > 1 ? table('set', 'bySet') : [];
  const byBand = table('band', 'byBand');
  const several =
    'These intervals are not adjusted for being many: of twenty, one is expected to leave out 50 by chance.';
  return [
    ...(bySet.length > 0 ? [heading('By set'), ...bySet] : []),
    ...(byBand.length > 0
      ? [heading('By difficulty'), ...byBand, ...picture('Win rates by band', pictures.bands)]
      : []),
    ...(bySet.length + byBand.length > 0 ? [paragraph(several)] : []),
  ];
}

const signed = (value: number, digits: number) => `${value > 0 ? '+' : ''}${value.toFixed(digits)}`;

const shownMean = ({ mean, low, high }: Mean, digits: number, sign = false): string => {
  const show = (value: number | null) => (value === null ? '-' : sign ? signed(value, digits) : value.toFixed(digits));
  return low === null || high === null ? show(mean) : `${show(mean)} [${show(low)}, ${show(high)}]`;
};

/** Matches with the references, and losses on them. */
export function referenceBlocks({ baseline, matches, losses }: EvaluationResult): Block[] {
  const table = (means: EvaluationResult['losses'], digits: number): Block => ({
    kind: 'table',
    rows: [
      ['arm', 'mean', `minus ${baseline}`, 'rows'],
      ...Object.entries(means).map(([arm, mean]) => [
        arm,
        shownMean(mean, digits),
        mean.difference ? shownMean(mean.difference, digits, true) : '',
        formatCount(mean.n),
      ]),
    ],
  });
  return [
    ...Object.entries(matches).flatMap(([name, means]): Block[] => [
      heading(`${MATCH_NAMES[name] ?? name}, % of rows`.replace(/^./, (first) => first.toUpperCase())),
      table(means, 1),
    ]),
    ...(Object.keys(losses).length > 0
      ? [
          heading('Loss on the reference answers, nats per token'),
          table(losses, 4),
          paragraph(
            'Lower is better: the model finds the reference answer less surprising. Differences are of the same rows, those whose reference has as many tokens for both models.',
          ),
        ]
      : []),
  ];
}

/** Characters of a text that the table of surprising rows shows. */
const SHOWN = 160;

function surprisingBlocks({ surprising, baseline }: EvaluationResult, { rows, arms }: Evaluation): Block[] {
  if (surprising.length === 0) return [];
  const places = new Map(rows.map(({ set, id }, place) => [JSON.stringify([set, id]), place]));
  const brief = (text: string | undefined) =>
    text === undefined ? '-' : shownName(text.replace(/\s+/g, ' ').trim(), SHOWN);
  const table = surprising.map(({ set, id, arm, run, x, expected }) => {
    const place = places.get(JSON.stringify([set, id]))!;
    const runs = arms.get(baseline)!;
    const base = runs[runs.length === 1 ? 0 : run - 1]?.[place];
    const own = arms.get(arm)!.length === 1 ? arms.get(arm)![0]![place] : arms.get(arm)![run - 1]![place];
    return [
      `${set} ${id}`,
      arm,
      brief(rows[place]!.instruction),
      brief(own?.output),
      brief(base?.output),
      x.toFixed(2),
      expected.toFixed(2),
    ];
  });
  return [
    heading('The most surprising verdicts'),
    {
      kind: 'table',
      left: 5,
      rows: [['row', 'arm', 'instruction', "the arm's answer", `${baseline}'s answer`, 'score', 'expected'], ...table],
    },
    paragraph(
      'Score: 1 if the arm won in every order, 0 if it lost. Expected: from the difference in length, or the mean. Read some of these before you trust the judge.',
    ),
  ];
}

/** How the report is read. */
export function readingBlocks({ level, resamples, seed, baseline, arms, judge }: EvaluationResult): Block[] {
  const runs = Object.values(arms).some((arm) => arm.runs > 1);
  return [
    heading('How to read this'),
    paragraph(
      [
        `- A win rate is a share of preferences, not of correct answers: 60 % means that the judge liked the arm's answer better than ${baseline}'s in 60 of 100 instructions, ties counted as half.`,
        `- The interval says how much the rate could differ with other instructions of the same kind${runs ? ' and other seeds of training' : ' (not with another seed of training)'}: in ${shownLevel(level)} of evaluations such an interval contains the true rate. If it contains 50, the two are not distinguishable; that is not the same as equal.`,
        ...(judge?.consistency == null
          ? []
          : [
              '- Each pair is shown to the judge in both orders, because judges prefer a place. Where the two orders name different winners, the pair is a tie.',
            ]),
        '- A judge is a model. It first has to pass a test: does it find good answers better than bad ones? If it fails, its figures are exploratory and answer nothing.',
        `- Intervals: ${formatCount(resamples)} bootstrap resamples of the rows within their sets, the same for all arms, seed ${seed}. p: sign-flip permutation test, adjusted by Holm over the arms.`,
      ].join('\n'),
    ),
  ];
}
