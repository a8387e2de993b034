import { consistency, drawnPosition, positionLogOdds } from '../../statistics/consistency.js';
import { confusion, kappa } from '../../statistics/kappa.js';
import type { EvalFile } from '../eval-file.js';
import { repeatability } from '../verdicts/repeatability.js';
import type { Verdict } from '../verdicts/verdict.js';
import { orNull } from './interval-batch.js';
import type { ControlResult, JudgeFigures } from './result.js';
import { type ArmScoring, orderLogOdds, orderScore, type ScoredPair } from './scores.js';

/** Below this consistency, and above this position bias in points, a judge's figures are exploratory. */
const LIMITS = { consistency: 0.5, position: 20 } as const;

/** The judge whose win rates are the headline: the first that is no control, or the first of all. */
export function headlineJudge({ judges }: EvalFile): string | undefined {
  const names = Object.keys(judges);
  return names.find((name) => !judges[name]!.control) ?? names[0];
}

/** What two orders say about the same pairs. */
export interface OrderFigures {
  readonly consistency: number | null;
  readonly kappa: number | null;
  readonly position: number | null;
  readonly positionLogOdds: number | null;
}

/** True for judges that see both answers in an order; for the others it is drawn, and means nothing. */
export const isOrdered = (kind: JudgeFigures['kind']): boolean => kind === 'llm' || kind === 'letters';

/** Consistency and position of the pairs that a judge was asked about; null for one that has no orders. */
export function orderFigures(verdicts: readonly Verdict[], kind: JudgeFigures['kind']): OrderFigures {
  if (!isOrdered(kind)) return { consistency: null, kappa: null, position: null, positionLogOdds: null };
  const asked = verdicts.filter(({ state }) => state === 'judged' || state === 'missing');
  const armFirst = asked.map(({ orders }) => orderScore(orders, 'arm'));
  const armSecond = asked.map(({ orders }) => orderScore(orders, 'baseline'));
  const both = consistency(armFirst, armSecond);
  return {
    consistency: both.consistent,
    kappa: both.kappa,
    position: both.pairs > 0 ? both.position : drawnPosition(armFirst, armSecond, asked.map(armOf)),
    positionLogOdds: positionLogOdds(
      asked.map(({ orders }) => orderLogOdds(orders, 'arm')),
      asked.map(({ orders }) => orderLogOdds(orders, 'baseline')),
    ),
  };
}

const armOf = ({ arm, baseline, run }: Verdict): string => JSON.stringify([arm, baseline, run]);

/** Pairs that somebody was asked about and that have a verdict. */
const askedOf = (scorings: readonly ArmScoring[]): (ScoredPair & { readonly verdict: Verdict })[] =>
  scorings.flatMap(({ pairs }) => pairs.flat()).flatMap((pair) => (isAsked(pair) ? [pair] : []));

const isAsked = (pair: ScoredPair): pair is ScoredPair & { readonly verdict: Verdict } =>
  pair.verdict?.state === 'judged';

/** What is known of the judge from its verdicts about all arms. */
export function judgeFigures(
  name: string,
  { kind, entrance, spent }: EvalFile['judges'][string],
  scorings: readonly ArmScoring[],
): JudgeFigures {
  const all = scorings.flatMap(({ pairs }) => pairs.flat());
  const verdicts = all.flatMap(({ verdict }) => (verdict ? [verdict] : []));
  const asked = askedOf(scorings);
  const unequal = asked.filter(({ x, longerBy }) => x !== 0.5 && longerBy !== 0);
  const agreesWithLength = ({ x, longerBy }: ScoredPair) => Math.sign(x - 0.5) === Math.sign(longerBy);
  const share = (part: number, whole: number) => (whole === 0 ? null : part / whole);
  const figures = {
    name,
    kind,
    verdicts: all.filter(({ x }) => !Number.isNaN(x)).length,
    asked: asked.length,
    ...orderFigures(verdicts, kind),
    longerWins: share(unequal.filter(agreesWithLength).length, unequal.length),
    lengthAgreement: share(asked.filter(agreesWithLength).length, asked.length),
    repeatability: repeatability(verdicts) ?? null,
    entrance: entrance ?? null,
    spent: spent ?? null,
  };
  return { ...figures, problems: problemsOf(figures) };
}

const points = (value: number) => `${value.toFixed(0)} points`;
const percent = (value: number) => `${(100 * value).toFixed(0)} %`;

/** Why a judge's figures are exploratory. */
export function problemsOf({
  kind,
  entrance,
  consistency,
  position,
}: Pick<JudgeFigures, 'kind' | 'entrance' | 'consistency' | 'position'>): string[] {
  const reasons = Array.isArray(entrance?.reasons) ? `: ${entrance.reasons.join('; ')}` : '';
  const state = entrance?.state;
  return [
    ...(kind === 'length' ? ['it prefers the longer answer and knows nothing else'] : []),
    ...(state === 'failed' ? [`it failed its entrance test${reasons}`] : []),
    ...(kind !== 'llm' && kind !== 'length' && state !== 'failed' && state !== 'passed'
      ? ['a local judge counts only once it passed the entrance test, which it did not take, or not with enough rows']
      : []),
    ...(consistency !== null && consistency < LIMITS.consistency
      ? [
          `asked in both orders, it says the same about only ${percent(consistency)} of the pairs; expected at least ${percent(LIMITS.consistency)}`,
        ]
      : []),
    ...(position !== null && Math.abs(position) > LIMITS.position
      ? [
          `it prefers the answer that stands ${position > 0 ? 'first' : 'second'} by ${points(Math.abs(position))}; expected at most ${points(LIMITS.position)}`,
        ]
      : []),
  ];
}

/** How often two judges say the same about the pairs that both judged. */
export function agreementOf(
  judge: readonly ArmScoring[],
  other: readonly ArmScoring[],
): ControlResult['agreement'] & { readonly decided: number | null } {
  const sides = matchedScores(judge, other).map(([x, y]) => [1 + Math.sign(x - 0.5), 1 + Math.sign(y - 0.5)] as const);
  const decided = sides.filter(([x, y]) => x !== 1 && y !== 1);
  const same = (pairs: typeof sides) =>
    pairs.length === 0 ? null : pairs.filter(([x, y]) => x === y).length / pairs.length;
  const table = confusion(
    sides.map(([x]) => x),
    sides.map(([, y]) => y),
    3,
  );
  return {
    share: same(sides),
    kappa: sides.length === 0 ? null : orNull(kappa(table)),
    pairs: sides.length,
    decided: same(decided),
  };
}

/** The scores of pairs that two judges were asked about. */
export function matchedScores(
  judge: readonly ArmScoring[],
  other: readonly ArmScoring[],
): (readonly [number, number])[] {
  return judge.flatMap(({ pairs }, arm) =>
    pairs.flatMap((run, k) =>
      run.flatMap((pair, row): (readonly [number, number])[] => {
        const twin = other[arm]!.pairs[k]![row]!;
        return isAsked(pair) && isAsked(twin) ? [[pair.x, twin.x]] : [];
      }),
    ),
  );
}
