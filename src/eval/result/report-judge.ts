import type { Block } from '../../telemetry/document.js';
import { formatCount, formatDollars } from '../../telemetry/format.js';
import type { AgainstResult, EvaluationResult, JudgeFigures } from './result.js';
import { shownEqualLength, shownInterval, shownRate } from './sentences.js';

const share = (value: number | null): string => (value === null ? '-' : `${(100 * value).toFixed(1)} %`);
const number = (value: number | null, digits = 2): string => (value === null ? '-' : value.toFixed(digits));

/** What is known of the judge, of those beside it, and of how they agree. */
export function judgeBlocks({ judge, arms, controls, against, bradleyTerry }: EvaluationResult): Block[] {
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
