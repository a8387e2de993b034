import type { Block } from '../../telemetry/document.js';
import { formatCount, formatDollars } from '../../telemetry/format.js';
import type { AgainstResult, EvaluationResult, JudgeFigures } from './result.js';
import { shownEqualLength, shownInterval, shownRate } from './sentences.js';

const share = (value: number | null): string => (value === null ? '-' : `${(100 * value).toFixed(1)} %`);
const number = (value: number | null, digits = 2): string => (value === null ? '-' : value.toFixed(digits));

/** What is known of the judge, of those beside it, and of how they agree. */
export function judgeBlocks({ judge, arms, controls, against, calibration, bradleyTerry }: EvaluationResult): Block[] {
  if (!judge) return [];
  const rows = Object.entries(controls).flatMap(([name, control]) =>
    Object.entries(control.arms).map(([arm, rate]) => [
      name,
      arm,
      shownRate(rate.winRate),
      shownInterval(rate),
      shownEqualLength(rate.lengthControlled),
      formatCount(rate.missing),
      share(control.agreement.share),
    ]),
  );
  const own = Object.entries(arms).map(([arm, rate]) => [
    judge.name,
    arm,
    shownRate(rate.winRate),
    shownInterval(rate),
    shownEqualLength(rate.lengthControlled),
    formatCount(rate.missing),
    '',
  ]);
  return [
    { kind: 'heading', text: 'The judge' },
    { kind: 'table', left: 1, rows: factRows(judge) },
    ...(rows.length > 0
      ? [
          { kind: 'heading', text: 'Beside the judge' } as const,
          {
            kind: 'table',
            left: 2,
            rows: [
              ['judge', 'arm', 'win %', 'interval', 'at equal length', 'missing', 'agrees with the judge, all arms'],
              ...own,
              ...rows,
            ],
          } as const,
          {
            kind: 'paragraph',
            text: 'Controls cost nothing. `length` prefers the longer answer; `likelihood` asks a model which answer the question makes more likely. A judge that agrees with `length` in almost every pair adds nothing to it.',
          } as const,
        ]
      : []),
    ...(against ? againstBlocks(against) : []),
    ...Object.entries(calibration ?? {}).flatMap(([name, one]) => calibrationBlocks(name, one)),
    ...(bradleyTerry ? strengthBlocks(bradleyTerry) : []),
  ];
}

function factRows({ entrance, spent, repeatability, ...judge }: JudgeFigures): string[][] {
  return [
    ['', judge.name],
    ['kind', judge.kind],
    ['entrance test', typeof entrance?.state === 'string' ? entrance.state : 'not taken'],
    ['verdicts', formatCount(judge.verdicts)],
    ['of them asked about', formatCount(judge.asked)],
    ['both orders agree', share(judge.consistency)],
    ['kappa of the orders', number(judge.kappa)],
    ['first answer preferred by, points', number(judge.position, 1)],
    ...(judge.positionLogOdds === null ? [] : [['the same in log-odds', number(judge.positionLogOdds)]]),
    ['longer answer wins', share(judge.longerWins)],
    ['agrees with the length of answers', share(judge.lengthAgreement)],
    ...(repeatability ? [['says the same when asked again', share(repeatability.agreement)]] : []),
    ...(spent
      ? [
          [
            'spent',
            `${formatDollars(spent.dollars)}, ${formatCount(spent.requests)} requests, ${formatCount(spent.tokens)} tokens`,
          ],
        ]
      : []),
  ];
}

const againstBlocks = ({ judge, other, arms, ...agreement }: AgainstResult): Block[] => [
  { kind: 'heading', text: `${judge} against ${other}` },
  {
    kind: 'table',
    rows: [
      ['arm', `${judge}, win %`, 'interval', `${other}, win %`, 'interval'],
      ...Object.entries(arms).map(([arm, one]) => [
        arm,
        shownRate(one.judge.winRate),
        shownInterval(one.judge),
        shownRate(one.other.winRate),
        shownInterval(one.other),
      ]),
    ],
  },
  {
    kind: 'table',
    rows: [
      ['', `on ${formatCount(agreement.pairs)} pairs`],
      ['the same, ties counted', share(agreement.agreement)],
      ['the same where both decided', share(agreement.decided)],
      ['kappa', number(agreement.kappa)],
      [`order of ${other}'s wins and losses (AUC)`, number(agreement.auc)],
      ['Brier score', number(agreement.brier, 3)],
      ['calibration error, 10 bins', number(agreement.calibrationError, 3)],
    ],
  },
];

type Calibration = NonNullable<EvaluationResult['calibration']>[string];

const NOT_CALIBRATED: Readonly<Record<NonNullable<Calibration['notCalibrated']>, string>> = {
  'no other judge': 'there are neither ratings by people nor verdicts of a judge at an endpoint that counts',
  'few rows': 'fewer than 50 of the same pairs were decided by people, or by a judge at an endpoint',
  opposed: 'its log-odds do not point where the other ones do',
  separable: 'its log-odds are never wrong, so that no temperature fits best',
};

/** How far a judge's probabilities are to be believed. */
function calibrationBlocks(judge: string, { against, notCalibrated, winRate, ...figures }: Calibration): Block[] {
  const { pairs, decided, agreement, auc, brier, calibrationError } = figures;
  const text =
    notCalibrated === null
      ? `The log-odds of ${judge} are divided by ${number(figures.temperature, 3)}, the temperature that fits ${against} best; all figures of ${judge} on this page are by these probabilities.`
      : `Not calibrated: ${NOT_CALIBRATED[notCalibrated]}. Its log-odds count as they are (temperature 1).`;
  const heading: Block = {
    kind: 'heading',
    text: `Calibration of ${judge}${against === null ? '' : ` by ${against}`}`,
  };
  if (pairs === 0) return [heading, { kind: 'paragraph', text }];
  return [
    heading,
    { kind: 'paragraph', text },
    {
      kind: 'table',
      rows: [
        ['', `on ${formatCount(pairs)} pairs`],
        [`the same where both decided (${formatCount(decided)})`, share(agreement)],
        [`order of the wins and losses by ${against} (AUC)`, number(auc)],
        ['Brier score', number(brier, 3)],
        ['calibration error, 10 bins', number(calibrationError, 3)],
        [`win % by ${judge}`, shownRate(winRate?.judge ?? null)],
        [`win % by ${against}`, shownRate(winRate?.against ?? null)],
      ],
    },
  ];
}

const strengthBlocks = ({ arms, order }: NonNullable<EvaluationResult['bradleyTerry']>): Block[] => [
  { kind: 'heading', text: 'Strength over all pairs' },
  {
    kind: 'table',
    rows: [
      ['arm', 'log-odds', 'interval'],
      ...Object.entries(arms).map(([arm, { strength, low, high }]) => [
        arm,
        number(strength),
        low === null || high === null ? '-' : `${number(low)} to ${number(high)}`,
      ]),
    ],
  },
  {
    kind: 'paragraph',
    text: `Bradley and Terry's model with ties, fitted to all pairs of arms${order === null ? '' : `; the answer that stands first gets ${number(order)} log-odds for it`}. Log-odds of 0 are those of the baseline; 1.1 win three of four against it. The intervals are over instructions.`,
  },
];
