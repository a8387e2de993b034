import type { Block } from '../../telemetry/document.js';
import type { Diagnosis, Signature, SignatureName } from './diagnosis.js';

/** What each signature is, for people. */
const TITLES: Readonly<Record<SignatureName, string>> = {
  'easy-items': 'poor on easy items',
  forgetting: 'an earlier band forgotten',
  'score-range': 'worse in a range of scores',
  'below-one-off': 'below one-off training',
};

/** The diagnosis of one arm as a part of a report: a table, then what each signature rests on. */
export function diagnosisBlocks({ arm, oneOff, through, signatures, tests, checks, bins }: Diagnosis): Block[] {
  const by = oneOff === null ? '' : ` against ${oneOff}${through === null ? '' : `, through ${through}`}`;
  return [
    { kind: 'heading', text: `Diagnosis of ${arm}${by}`, level: 3 },
    {
      kind: 'table',
      rows: [['signature', 'state'], ...signatures.map(({ name, state }) => [TITLES[name], state])],
      left: 2,
    },
    ...signatures.map(sentence),
    ...(tests.length > 0 ? [testTable(tests)] : []),
    ...(bins.length > 0 ? [binTable(bins)] : []),
    ...(checks.length > 0 ? [checkTable(checks)] : []),
  ];
}

const sentence = ({ name, evidence, next }: Signature): Block => ({
  kind: 'paragraph',
  text: `${TITLES[name].charAt(0).toUpperCase()}${TITLES[name].slice(1)}: ${evidence}${next === '' ? '' : ` ${next}`}`,
});

const score = (value: number) => String(Number(value.toPrecision(3)));
const points = (value: number | null) => (value === null ? '-' : value.toFixed(1));

function testTable(tests: Diagnosis['tests']): Block {
  const cell = (value: number | null, unit: string) =>
    value === null ? '-' : unit === 'points' ? (50 + value).toFixed(1) : `${value > 0 ? '+' : ''}${value.toFixed(3)}`;
  const least = (value: number | null, unit: string) =>
    value === null ? '-' : unit === 'points' ? `${value.toFixed(1)} points` : `${value.toFixed(3)} nats`;
  return {
    kind: 'table',
    rows: [
      ['test', 'unit', 'found', 'low', 'high', 'rows', 'adjusted p', 'least shown'],
      ...tests.map((test) => [
        test.name,
        test.unit === 'points' ? 'win rate' : 'nats',
        cell(test.value, test.unit),
        cell(test.low, test.unit),
        cell(test.high, test.unit),
        String(test.rows),
        test.pHolm.toFixed(3),
        least(test.least, test.unit),
      ]),
    ],
    left: 2,
  };
}

function binTable(bins: Diagnosis['bins']): Block {
  const sets = Object.keys(bins[0]!.bySet);
  const shown = sets.length > 1 ? sets : [];
  return {
    kind: 'table',
    rows: [
      ['scores', 'rows', 'win rate', ...shown],
      ...bins.map(({ from, to, rows, winRate, bySet }) => [
        from === to ? score(from) : `${score(from)} to ${score(to)}`,
        String(rows),
        points(winRate),
        ...shown.map((set) => points(bySet[set]!)),
      ]),
    ],
  };
}

const checkTable = (checks: Diagnosis['checks']): Block => ({
  kind: 'table',
  rows: [
    ['what must be the same', 'state', 'found'],
    ...checks.map(({ name, state, detail }) => [name, state, detail]),
  ],
  left: 3,
});
