import { binRows, scoreBins } from './bins.js';
import type { Diagnosis, ScoreBin } from './diagnosis.js';
import type { DiagnosisFacts, FactRow, StageFacts } from './facts.js';
import { belowOneOff, easyItems, forgetting, scoreRange } from './signatures.js';
import {
  FAMILY,
  knownMean,
  MATTERS,
  type Made,
  type Planned,
  pointsBelow,
  runTests,
  type TestOptions,
} from './tests.js';

/**
 * Looks for the four signatures of a failed curriculum (arXiv 2406.04371) in an arm: from the losses of its rows after
 * each stage, paired with the base and between stages, and from its scores against the one-off arm. All tests are
 * one-sided sign-flip tests of one family, adjusted by Holm to an error of 5 %. Pure: the same facts and seed give the
 * same diagnosis. A signature that rests on nothing, or on rows too few to show an effect that matters, is `cannot
 * tell`.
 *
 * @example
 * const facts = await readFacts('evals/first', await readEvaluation('evals/first'));
 * for (const { arm, signatures } of facts.map((one) => diagnose(one, { seed: 0 })))
 *   for (const { name, state, evidence } of signatures) console.log(arm, name, state, evidence);
 */
export function diagnose(facts: DiagnosisFacts, options: TestOptions): Diagnosis {
  const easiest = easiestBand(facts.rows);
  const bins = facts.scores ? binRows(facts) : [];
  const planned = plan(facts, easiest, bins);
  const tests = runTests(planned, options);
  const made = tests.map((test, i): Made => ({ ...test, about: planned[i]!.about }));
  const shown: ScoreBin[] = bins.length > 1 ? scoreBins(facts, bins) : [];
  return {
    arm: facts.arm,
    oneOff: facts.oneOff,
    through: facts.through,
    level: FAMILY,
    signatures: [
      easyItems(facts, made, easiest),
      forgetting(facts, made),
      scoreRange(facts, made, shown),
      belowOneOff(facts, made),
    ],
    tests,
    checks: facts.checks,
    bins: shown,
  };
}

function easiestBand(rows: readonly FactRow[]): number | null {
  const bands = rows.flatMap(({ band }) => (band === null ? [] : [band]));
  return bands.length === 0 ? null : bands.reduce((least, band) => Math.min(least, band));
}

function plan(facts: DiagnosisFacts, easiest: number | null, bins: readonly (readonly number[])[]): Planned[] {
  const { scores, stages } = facts;
  const planned: Planned[] = [];
  const at = (values: ArrayLike<number>, places: readonly number[]) => places.map((i) => values[i]!);
  const scored = (name: string, values: readonly number[], matters: number, about: Planned['about']) => {
    if (values.some((value) => !Number.isNaN(value)))
      planned.push({ name, unit: 'points', badness: pointsBelow(values), matters, about });
  };
  if (easiest !== null) {
    const places = placesOf(facts.rows, easiest);
    const first = stages.find(({ bands }) => bands.includes(easiest));
    const base = stages.find(({ stage }) => stage === 0);
    planned.push(
      ...rise(
        base,
        first,
        places,
        `band ${easiest} after stage ${first?.stage}`,
        { kind: 'easy-loss' },
        { stillIsBad: true },
      ),
    );
    if (scores) scored(`band ${easiest}`, at(scores, places), MATTERS.points, { kind: 'easy-score' });
  }
  for (const [i, to] of stages.entries()) {
    const from = stages[i - 1];
    if (from === undefined || from.stage === 0) continue;
    for (const band of bandsBefore(stages, to)) {
      const places = placesOf(facts.rows, band);
      const name = `band ${band} from stage ${from.stage} to ${to.stage}`;
      planned.push(...rise(from, to, places, name, { kind: 'rise', stage: to.stage, band }, { share: 0.01 }));
      if (to.scores)
        scored(`answers to ${name}`, at(to.scores, places), MATTERS.points, {
          kind: 'stage-score',
          stage: to.stage,
          band,
        });
    }
  }
  if (!scores) return planned;
  if (bins.length > 2)
    for (const [bin, places] of bins.entries())
      scored(`bin ${bin + 1}`, at(scores, places), MATTERS.points, { kind: 'bin', bin });
  scored('all rows', Array.from(scores), MATTERS.overall, { kind: 'overall' });
  return planned;
}

const placesOf = (rows: readonly FactRow[], band: number): number[] =>
  rows.flatMap((row, i) => (row.band === band ? [i] : []));

/** Bands that the stages before this one trained and it does not train itself. */
function bandsBefore(stages: readonly StageFacts[], to: StageFacts): number[] {
  const before = stages.filter(({ stage }) => stage < to.stage).flatMap(({ bands }) => bands);
  return [...new Set(before)].filter((band) => !to.bands.includes(band)).sort((a, b) => a - b);
}

/** A test that the losses of some rows rose, if both were measured; `share` is the share of the loss that counts. */
function rise(
  from: StageFacts | undefined,
  to: StageFacts | undefined,
  places: readonly number[],
  name: string,
  about: Planned['about'],
  { share = 0, stillIsBad = false }: { readonly share?: number; readonly stillIsBad?: boolean },
): Planned[] {
  if (!from?.losses || !to?.losses) return [];
  const [before, after] = [from.losses, to.losses];
  const badness = places.map((i) => after[i]! - before[i]!);
  if (badness.every((value) => Number.isNaN(value))) return [];
  // The loss of the rows that both have.
  const level = knownMean(places.map((i) => before[i]! + 0 * after[i]!));
  return [{ name, unit: 'nats', badness, matters: MATTERS.loss * level, least: share * level, stillIsBad, about }];
}
