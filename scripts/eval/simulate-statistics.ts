// Simulated worlds whose truth is known: how often intervals cover it and tests find it. Takes
// minutes; the suite has small versions.
//
//     npx tsx scripts/eval/simulate-statistics.ts [--resamples 2000] [--only coverage]
import { parseArgs } from 'node:util';
import { random } from '../../src/core/random.js';
import { lengthControl } from '../../src/statistics/length-control.js';
import { mean, standardDeviation } from '../../src/statistics/moments.js';
import { leastDifference, rowsNeeded } from '../../src/statistics/power.js';
import { signFlip } from '../../src/statistics/sign-flip.js';
import { winRateIntervals } from '../../src/statistics/win-rate.js';

const { values } = parseArgs({
  options: { resamples: { type: 'string', default: '2000' }, only: { type: 'string' } },
});
const resamples = Number(values.resamples);
const say = (line: string) => process.stdout.write(`${line}\n`);

/** Scores of rows with a share of ties and a win rate in percent. */
function scoresOf(n: number, winRate: number, ties: number, seed: number): number[] {
  const { uniform } = random(seed, 'scores', n, winRate);
  const win = winRate / 100 - ties / 2;
  return Array.from({ length: n }, () => {
    const drawn = uniform();
    return drawn < win ? 1 : drawn < win + ties ? 0.5 : 0;
  });
}

/** The truth is within the interval of so many worlds of the row bootstrap. */
function coverage(): void {
  const worlds = 2000;
  for (const n of [80, 200, 805])
    for (const winRate of [50, 55, 65]) {
      let covered = 0;
      for (let world = 0; world < worlds; world++) {
        const scores = scoresOf(n, winRate, 0.3, world);
        const [arm] = winRateIntervals([[scores]], new Int32Array(n), { seed: world, resamples });
        if (arm!.low <= winRate && winRate <= arm!.high) covered++;
      }
      say(`coverage | ${n} rows, 30 % ties, ${winRate} % | ${((100 * covered) / worlds).toFixed(1)} %`);
    }
}

/** The sign-flip test rejects equal arms so often, and finds a difference at the rows that power asks for. */
function power(): void {
  const worlds = 1000;
  for (const ties of [0, 0.3]) {
    const rows = rowsNeeded({ winRate: 55, ties });
    for (const winRate of [50, 55]) {
      let found = 0;
      for (let world = 0; world < worlds; world++) {
        const differences = scoresOf(rows, winRate, ties, world).map((x) => x - 0.5);
        if (signFlip(differences, { seed: world, flips: 2000 }) <= 0.05) found++;
      }
      say(
        `sign flips | ${rows} rows, ${100 * ties} % ties, ${winRate} % | ${((100 * found) / worlds).toFixed(1)} % found`,
      );
    }
  }
  say(`least difference of 805 rows with 30 % ties: ${leastDifference({ rows: 805, ties: 0.3 }).toFixed(2)} points`);
}

/** Judges with a habit: the rate at equal length is known, the raw one is not it. */
function lengths(): void {
  for (const truth of [0, Math.log(5 / 4)])
    for (const length of [1, 1.5])
      for (const shift of [0.5, 1]) {
        bias(truth, length, shift, 200);
        for (const n of [200, 805]) coverageOfLength(truth, length, shift, n);
      }
}

function habit(n: number, strength: number, length: number, shift: number, seed: number) {
  const { uniform, normal } = random(seed, 'habit', n, length, shift);
  const deltas = Array.from({ length: n }, () => Math.round(400 * (normal() + shift)));
  const scores = deltas.map((delta) => {
    const p = 1 / (1 + Math.exp(-(strength + length * Math.tanh(delta / 400))));
    const drawn = uniform();
    // Ties where the judge is undecided: half of what it would lose or win.
    const tie = 0.6 * Math.min(p, 1 - p);
    return drawn < p - tie / 2 ? 1 : drawn < p + tie / 2 ? 0.5 : 0;
  });
  return { scores: [scores], differences: [deltas], strata: new Int32Array(n) };
}

function bias(strength: number, length: number, shift: number, worlds: number): void {
  const truth = 100 / (1 + Math.exp(-strength));
  const found: number[] = [];
  const raw: number[] = [];
  for (let world = 0; world < worlds; world++) {
    const data = habit(805, strength, length, shift, world);
    found.push(lengthControl(data, { seed: 0, resamples: 0 }).winRate!);
    raw.push(100 * mean(data.scores[0]!));
  }
  const error = standardDeviation(found) / Math.sqrt(worlds);
  say(
    `length | truth ${truth.toFixed(1)}, habit ${length}, ${shift} sd longer, 805 rows | raw ${mean(raw).toFixed(1)}, ` +
      `controlled ${mean(found).toFixed(2)} ± ${error.toFixed(2)}`,
  );
}

function coverageOfLength(strength: number, length: number, shift: number, n: number): void {
  const worlds = 500;
  const truth = 100 / (1 + Math.exp(-strength));
  let [covered, none, extrapolated] = [0, 0, 0];
  for (let world = 0; world < worlds; world++) {
    const { low, high, state } = lengthControl(habit(n, strength, length, shift, 10_000 + world), {
      seed: world,
      resamples: Math.min(resamples, 1000),
    });
    if (state === 'extrapolated') extrapolated++;
    if (low === null || high === null) none++;
    else if (low <= truth && truth <= high) covered++;
  }
  say(
    `length | ${n} rows, truth ${truth.toFixed(1)}, habit ${length}, ${shift} sd longer | ` +
      `covered ${((100 * covered) / (worlds - none)).toFixed(1)} %, extrapolated ${extrapolated}, no number ${none}`,
  );
}

const parts = { coverage, power, lengths };
for (const [name, part] of Object.entries(parts)) if (!values.only || values.only === name) part();
