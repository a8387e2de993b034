import { random } from '../../src/core/random.js';
import type { DiagnosisFacts } from '../../src/eval/diagnosis/facts.js';

/** What is wrong with a simulated run of three stages. */
export interface Plant {
  /** Rows; a third of them in each band unless `easy` says how many are in the easiest. */
  readonly rows: number;
  readonly easy?: number;
  /** Win rate in the easiest band, in percent [50]. */
  readonly easyRate?: number;
  /** Rise of the first band's loss from stage 2 to 3, in nats [0]. */
  readonly forgets?: number;
  /** Win rate of the third and fourth of six bins of scores, in percent [50]. */
  readonly middleRate?: number;
  /** Win rate of all rows, in percent [50]. */
  readonly rate?: number;
}

/**
 * Facts of a run of three stages: losses of 2 nats whose paired differences deviate by 0.3, each band better by 0.2
 * once it was trained, and verdicts with 30 % ties.
 */
export function simulatedFacts(plant: Plant, seed: number): DiagnosisFacts {
  const { uniform, normal } = random(seed, 'diagnosis');
  const { rows: n, easy = Math.round(n / 3), forgets = 0, rate = 50, easyRate = rate, middleRate = rate } = plant;
  const rows = Array.from({ length: n }, (_, i) => {
    const band = i < easy ? 1 : i < (easy + n) / 2 ? 2 : 3;
    return { set: i % 2 === 0 ? 'one' : 'two', band, score: 1 + (4 * i) / n };
  });
  const score = (winRate: number) => {
    const drawn = uniform();
    const win = winRate / 100 - 0.15;
    return drawn < win ? 1 : drawn < win + 0.3 ? 0.5 : 0;
  };
  const middle = (i: number) => i >= n / 3 && i < (2 * n) / 3;
  const scores = rows.map(({ band }, i) =>
    score(middle(i) && middleRate !== rate ? middleRate : band === 1 ? easyRate : rate),
  );
  const own = rows.map(() => 2 + 0.5 * normal());
  const after = (change: (band: number) => number, before: readonly number[]) =>
    before.map((loss, i) => loss + change(rows[i]!.band) + 0.3 * normal());
  const first = after((band) => (band === 1 ? -0.2 : 0), own);
  const second = after((band) => (band === 2 ? -0.2 : 0), first);
  const third = after((band) => (band === 3 ? -0.2 : band === 1 ? forgets : 0), second);
  return {
    arm: 'phased',
    oneOff: 'one-off',
    through: null,
    rows,
    stages: [own, first, second, third].map((losses, stage) => ({
      stage,
      bands: stage === 0 ? [] : [stage],
      losses,
      scores: null,
    })),
    scores,
    cuts: [rows[easy]?.score ?? 2, 3],
    scoreDeviation: 0.1,
    checks: [],
    missing: { losses: null, scores: null },
  };
}
