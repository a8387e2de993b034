import { formatCounted } from '../../telemetry/format.js';
import type { DiagnosisTest, ScoreBin, Signature, SignatureName } from './diagnosis.js';
import type { DiagnosisFacts } from './facts.js';
import type { Made } from './tests.js';

const NO_BANDS = 'the rows have no bands of difficulty';

/** The arm that a rate is against, and what the rate is where the two were not judged against each other. */
const rival = ({ oneOff, through }: DiagnosisFacts): string =>
  through === null ? `${oneOff}` : `${oneOff} (50 plus half the difference of their rates against ${through})`;

/** The first signature: poor on easy items, so look at stage 1. */
export function easyItems(facts: DiagnosisFacts, tests: readonly Made[], easiest: number | null): Signature {
  const own = tests.filter(({ about }) => about.kind === 'easy-loss' || about.kind === 'easy-score');
  const missing = easiest === null ? [NO_BANDS] : missingOf(facts, own);
  const stage = facts.stages.find(({ bands }) => easiest !== null && bands.includes(easiest))?.stage ?? 1;
  const wrong = own
    .filter(({ bad }) => bad)
    .map((test) =>
      test.unit === 'nats'
        ? `after stage ${stage} the loss of band ${easiest} is not below that of the base (${shown(test)})`
        : `in band ${easiest} the win rate against ${rival(facts)} is below 50 (${shown(test)})`,
    );
  const next = `stage ${stage}: its learning rate, its length, and whether its rows are as easy and as well answered as they should be`;
  return signature('easy-items', own, missing, wrong, next);
}

/** The second: a band's loss rises from one stage to the next. */
export function forgetting(facts: DiagnosisFacts, tests: readonly Made[]): Signature {
  const own = tests.filter(({ about }) => about.kind === 'rise' || about.kind === 'stage-score');
  const measured = own.some(({ about }) => about.kind === 'rise');
  const bands = facts.rows.every(({ band }) => band === null) ? NO_BANDS : null;
  const nothing =
    facts.stages.length > 0 && facts.stages.length < 3
      ? 'the run has a single stage'
      : (facts.missing.losses ?? bands ?? 'no band was trained by an earlier stage alone');
  const wrong = own.flatMap((test) => {
    const { about, bad, unit } = test;
    if (!bad || (about.kind !== 'rise' && about.kind !== 'stage-score')) return [];
    const what = unit === 'nats' ? 'its loss rose' : `its answers lose to those of stage ${about.stage - 1}`;
    return [`stage ${about.stage} forgot band ${about.band}: ${what} (${shown(test)})`];
  });
  const next = 'replay of earlier bands, the learning rate of the stage that forgot, and what its rows have in common';
  return signature('forgetting', own, measured ? [] : [nothing], wrong, next);
}

/** The third: below 50 in a range of scores, so look at the thresholds. */
export function scoreRange(facts: DiagnosisFacts, tests: readonly Made[], bins: readonly ScoreBin[]): Signature {
  const own = tests.filter(({ about }) => about.kind === 'bin');
  const unscored = facts.rows.every(({ score }) => score === null);
  const nothing =
    facts.missing.scores ?? (unscored ? 'the rows have no scores of difficulty' : 'the scores take too few values');
  // A bin without enough rows is in the list too, so places in it are those of the bins.
  const pairs = own.flatMap((test, i) => (test.bad && own[i + 1]?.bad ? [[i, i + 1] as const] : []));
  const wrong = runsOf(pairs).map(({ first, last }) => {
    const [from, to] = [bins[first]!.from, bins[last]!.to];
    const rates = own.slice(first, last + 1).map((test) => shown(test));
    return `from score ${number(from)} to ${number(to)} the win rate against ${rival(facts)} is below 50 (${rates.join('; ')}); ${straddled(facts, from, to)}`;
  });
  const next = 'the thresholds between the stages, and whether the scores rank those rows rightly';
  return signature('score-range', own, own.length === 0 ? [nothing] : [], wrong, next);
}

/** Neighbouring pairs as ranges. */
function runsOf(pairs: readonly (readonly [number, number])[]): { first: number; last: number }[] {
  const runs: { first: number; last: number }[] = [];
  for (const [first, last] of pairs) {
    const before = runs.at(-1);
    if (before?.last === first) before.last = last;
    else runs.push({ first, last });
  }
  return runs;
}

/** Which cuts lie in a range, and how many rows are so near one that a repeated score could move them. */
function straddled({ cuts, rows, scoreDeviation }: DiagnosisFacts, from: number, to: number): string {
  if (cuts.length === 0) return 'where the set was cut is not known';
  const within = cuts.filter((cut) => cut > from && cut <= to);
  if (within.length === 0) return `no cut of the staged set is in it (cuts: ${cuts.map(number).join(', ')})`;
  return within
    .map((cut) => {
      if (scoreDeviation === null) return `it straddles the cut at ${number(cut)}, and rows were scored only once`;
      const near = rows.filter(({ score }) => score !== null && Math.abs(score - cut) <= scoreDeviation).length;
      return `it straddles the cut at ${number(cut)}, with ${formatCounted(near, 'row')} within one deviation of the scorer (${number(scoreDeviation)})`;
    })
    .join('; ');
}

/** The fourth: below the one-off arm, so look at the implementation first. */
export function belowOneOff(facts: DiagnosisFacts, tests: readonly Made[]): Signature {
  const own = tests.filter(({ about }) => about.kind === 'overall');
  const wrong = own
    .filter(({ bad }) => bad)
    .map((test) => `the win rate against ${rival(facts)} is below 50 (${shown(test)})`);
  const problems = facts.checks.filter(({ state }) => state === 'differs');
  const unknown = facts.checks.filter(({ state }) => state === 'unknown');
  const list = (checks: typeof problems) => checks.map(({ detail }) => detail).join('; ');
  const next =
    problems.length > 0
      ? `the implementation: ${list(problems)}`
      : facts.checks.length === 0
        ? 'the implementation: the runs could not be read, so nothing is known about it'
        : unknown.length > 0
          ? `the implementation, as far as it is not known: ${list(unknown)}; then the method`
          : 'the method, not the implementation: tokens, rows, seeds, options and the origin of each stage are in order';
  const missing = own.length === 0 ? [facts.missing.scores ?? 'no row is judged'] : [];
  return signature('below-one-off', own, missing, wrong, next);
}

/** What an arm's easy rows are missing. */
function missingOf({ missing }: DiagnosisFacts, own: readonly Made[]): string[] {
  const has = (kind: string) => own.some(({ about }) => about.kind === kind);
  return [
    ...(has('easy-loss') ? [] : [missing.losses ?? 'the easiest band has no losses after stage 1']),
    ...(has('easy-score') ? [] : [missing.scores ?? 'the easiest band has no verdicts']),
  ];
}

/**
 * Found where a test is bad; `cannot tell` where there is no test, or one whose rows would not show an effect that
 * matters; otherwise not found. What is missing beside a test that could be made is said.
 */
function signature(
  name: SignatureName,
  tests: readonly Made[],
  missing: readonly string[],
  wrong: readonly string[],
  next: string,
): Signature {
  const names = tests.map((test) => test.name);
  const besides = missing.length > 0 ? ` Not looked at: ${missing.join('; ')}.` : '';
  if (wrong.length > 0)
    return {
      name,
      state: 'found',
      evidence: `${capital(wrong.join('; '))}.${besides}`,
      next: `Look at ${next}.`,
      tests: names,
    };
  const weak = tests.filter(({ least, matters }) => least === null || least > matters);
  if (tests.length === 0)
    return { name, state: 'cannot tell', evidence: `${capital(missing.join('; '))}.`, next: '', tests: names };
  if (weak.length > 0) {
    const evidence = `Too few rows: ${weak.map(weakness).join('; ')}.${besides}`;
    return { name, state: 'cannot tell', evidence, next: 'Evaluate on more rows.', tests: names };
  }
  const evidence = `No such effect. The least that would have shown: ${tests.map(reach).join('; ')}.${besides}`;
  return { name, state: 'not found', evidence, next: '', tests: names };
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
const number = (value: number): string => String(Number(value.toPrecision(3)));
const amount = (value: number, unit: DiagnosisTest['unit']): string =>
  unit === 'points' ? `${value.toFixed(1)} points` : `${value.toFixed(3)} nats`;

const shown = ({ value, unit, rows, pHolm }: DiagnosisTest): string =>
  `${unit === 'points' ? `${(50 + value!).toFixed(1)} %` : `${value! > 0 ? '+' : ''}${value!.toFixed(3)} nats`} over ${formatCounted(rows, 'row')}, p = ${pHolm < 0.001 ? '< 0.001' : pHolm.toFixed(3)}`.replace(
    '= <',
    '<',
  );

const weakness = ({ name, least, matters, rows, unit }: DiagnosisTest): string =>
  least === null
    ? `${name} has ${formatCounted(rows, 'row')}, which show nothing`
    : `${name} has ${formatCounted(rows, 'row')}, which show ${amount(least, unit)}; what matters is ${amount(matters, unit)}`;

const reach = ({ name, least, rows, unit }: DiagnosisTest): string =>
  `${amount(least!, unit)} in ${name} (${formatCounted(rows, 'row')})`;
