import { type BootstrapOptions, estimate, resamples } from '../../statistics/bootstrap.js';
import { predictionPowered } from '../../statistics/prediction-powered.js';
import type { BelievedScore } from '../judge/calibration.js';
import type { Evaluation } from '../result/evaluation.js';
import { headlineJudge } from '../result/judge-figures.js';
import { runPairs } from '../result/scores.js';
import type { Verdict } from '../verdicts/verdict.js';
import { agreementOf, flat, type TwoVotes } from './agreement.js';
import { sideOf } from './draw-pairs.js';
import type { People, PeopleRate } from './people-schema.js';
import { answersHash, pairKey, pairsToRate } from './rated-pair.js';
import type { PeopleRatings, Side } from './read-sheets.js';

/** A pair and what people say about it. */
interface Voted {
  readonly pair: string;
  /** See {@link pairKey}. */
  readonly key: string;
  readonly arm: string;
  readonly votes: readonly Side[];
  /** The mean of people's scores for the arm: 1, 1/2 or 0. */
  readonly score: number;
}

const SCORE: Readonly<Record<Side, number>> = { arm: 1, tie: 0.5, baseline: 0 };

/** What people say, and what that says about the judges of an evaluation. */
export function peopleFigures(evaluation: Evaluation, ratings: PeopleRatings, options: BootstrapOptions): People {
  const { voted, outdated } = votesOf(evaluation, ratings);
  const { file, verdicts } = evaluation;
  const main = headlineJudge(file);
  const judges = [...(main === undefined ? [] : [main]), ...Object.keys(file.judges).filter((name) => name !== main)];
  const mainVerdicts = inOrder(evaluation, main);
  const arms = Object.keys(file.arms).filter((arm) => arm !== file.baseline);
  return {
    people: ratings.people.map(({ name, ratings }) => ({ name, rated: ratings.size })),
    pairs: voted.length,
    unreadable: [...ratings.problems],
    outdated,
    judges: Object.fromEntries(judges.map((name) => [name, agreementOf(votesWith(name, verdicts, voted), options)])),
    amongPeople: amongPeople(voted, options),
    arms: Object.fromEntries(
      arms.map((arm) => [
        arm,
        armFigures(
          voted.filter((one) => one.arm === arm),
          mainVerdicts.filter((one) => one.arm === arm && one.baseline === file.baseline),
          options,
        ),
      ]),
    ),
  };
}

/**
 * A judge's verdicts on the pairs of this evaluation, in the order of its arms, runs and rows: sums depend neither on
 * the order of lines in a file nor on lines about other rows.
 */
function inOrder({ file: { baseline }, arms, rows, verdicts }: Evaluation, judge: string | undefined): Verdict[] {
  const known = new Map(verdicts.flatMap((one) => (one.judge === judge ? [[pairKey(one), one]] : [])));
  const base = arms.get(baseline)?.length ?? 0;
  return [...arms].flatMap(([arm, runs]) =>
    runPairs(base, runs.length).flatMap((pair) =>
      rows.flatMap(({ set, id }) => known.get(pairKey({ set, id, baseline, arm, ...pair })) ?? []),
    ),
  );
}

/** The votes about pairs that still have the answers that were rated. */
function votesOf(evaluation: Evaluation, { people, pairs }: PeopleRatings): { voted: Voted[]; outdated: number } {
  const current = new Map(pairsToRate(evaluation).map((pair) => [pairKey(pair), answersHash(pair)]));
  const voted: Voted[] = [];
  let outdated = 0;
  for (const [name, pair] of pairs) {
    const votes = people.flatMap(({ ratings }) => ratings.get(name) ?? []);
    if (votes.length === 0) continue;
    const key = pairKey(pair);
    if (current.get(key) !== pair.answers) outdated++;
    else
      voted.push({
        pair: name,
        key,
        arm: pair.arm,
        votes,
        score: votes.reduce((sum, vote) => sum + SCORE[vote], 0) / votes.length,
      });
  }
  return { voted, outdated };
}

/** What people say about the pairs that they rated, as the score of a pair from 0 to 1. */
export function peopleScores(evaluation: Evaluation, ratings: PeopleRatings): BelievedScore {
  const scores = new Map(votesOf(evaluation, ratings).voted.map(({ key, score }) => [key, score]));
  return (verdict) => scores.get(pairKey(verdict));
}

function votesWith(judge: string, verdicts: readonly Verdict[], voted: readonly Voted[]): TwoVotes[] {
  const said = new Map(
    verdicts.flatMap((one) => (one.judge === judge && one.x !== null ? [[pairKey(one), one.x]] : [])),
  );
  return voted.flatMap(({ pair, key, votes }) => {
    const x = said.get(key);
    return x === undefined ? [] : votes.map((second) => ({ pair, first: sideOf(x), second }));
  });
}

/** Each two votes about a pair, in both orders, so that no person counts as the first. */
function amongPeople(voted: readonly Voted[], options: BootstrapOptions): People['amongPeople'] {
  const twice = voted.flatMap(({ pair, votes }) =>
    votes.flatMap((first, i) => votes.flatMap((second, j) => (i === j ? [] : [{ pair, first, second }]))),
  );
  if (twice.length === 0) return null;
  return { ...agreementOf(twice, options), votes: twice.length / 2 };
}

function armFigures(
  voted: readonly Voted[],
  verdicts: readonly Verdict[],
  options: BootstrapOptions,
): People['arms'][string] {
  const xs = new Map(verdicts.flatMap((one) => (one.x === null ? [] : [[pairKey(one), one.x]])));
  const rated = new Set(voted.map(({ key }) => key));
  const judged = voted.map(({ key }) => xs.get(key) ?? Number.NaN);
  const people = voted.map(({ score }) => score);
  const asked = verdicts.filter(({ state }) => state === 'judged');
  const settled = verdicts.length - verdicts.filter(({ x }) => x === null).length - asked.length;
  const others = asked.filter((one) => !rated.has(pairKey(one))).map(({ x }) => x!);
  const found = predictionPowered({ judged, people, others }, options.level);
  // Equal answers are ties for everybody, and were in nobody's sheet.
  const share = asked.length / (asked.length + settled);
  const overall = (rate: number) => share * rate + (1 - share) * 50;
  return {
    people: rateOf(people, options),
    judgeSame: rateOf(
      judged.filter((x) => !Number.isNaN(x)),
      options,
    ),
    judge: rateOf(
      asked.map(({ x }) => x!),
      options,
    ),
    corrected:
      found.rated < 2 || Number.isNaN(found.low)
        ? null
        : {
            winRate: overall(found.winRate),
            low: Math.max(0, overall(found.low)),
            high: Math.min(100, overall(found.high)),
            n: found.rated,
            weight: found.weight,
          },
  };
}

function rateOf(scores: readonly number[], options: BootstrapOptions): PeopleRate {
  const n = scores.length;
  if (n === 0) return { winRate: null, low: null, high: null, n };
  const mean = (counts?: Int32Array) => {
    let sum = 0;
    for (let i = 0; i < n; i++) sum += scores[i]! * (counts ? counts[i]! : 1);
    return (100 * sum) / n;
  };
  const drawn: number[] = [];
  for (const counts of resamples(n, options)) drawn.push(mean(counts));
  const { value, low, high } = flat(estimate(mean(), drawn, options.level));
  return { winRate: value, low, high, n };
}
