// Simulated studies whose truth is known, through the code that gives verdicts: how often it finds what is not there,
// calls the same what is not, covers the truth, and finds what the plan says it finds. A minute; the suite has a small
// version.
//
//     npx tsx scripts/study/simulate-studies.ts [--studies 2000]
import { parseArgs } from 'node:util';
import { leastDifferenceT, leastMarginT } from '../../src/statistics/t-power.js';
import { type Rates, simulateStudies, type World } from '../../tests/helpers/simulated-studies.js';

const { values } = parseArgs({ options: { studies: { type: 'string', default: '2000' } } });
const studies = Number(values.studies);
const percent = (share: number) => `${(100 * share).toFixed(1).padStart(5)} %`;

function show(name: string, world: World, ...which: (keyof Rates)[]): void {
  const rates = simulateStudies(world, studies);
  const shown = which.map((rate) => `${rate} ${percent(rates[rate])}`);
  process.stdout.write(`${name.padEnd(58)} | ${shown.join(' | ')}\n`);
}

/** Deviation of a difference of two arms whose noise is 1. */
const SD = Math.SQRT2;
const NONE = [0, 0, 0];

for (const seeds of [5, 8]) {
  const n = `4 arms, ${seeds} seeds`;
  show(`${n}, no effect`, { seeds, effects: NONE }, 'anyFound', 'covered');
  show(`${n}, no effect, a tenth of cells missing`, { seeds, effects: NONE, missing: 0.1 }, 'anyFound', 'covered');
  for (const arms of [2, 4])
    for (const factor of [1, 2]) {
      const margin = factor * leastMarginT({ n: seeds, sd: SD });
      const effects = NONE.slice(0, arms - 1).map(() => margin);
      show(`${arms} arms, ${seeds} seeds, all at the margin (${factor})`, { seeds, effects, margin }, 'anyWithin');
    }
  for (const arms of [2, 4]) {
    const compared = arms - 1;
    const least = leastDifferenceT({ n: seeds, sd: SD, alpha: 0.05 / compared });
    const effects = [-least, ...NONE.slice(0, compared - 1)];
    show(`${arms} arms, ${seeds} seeds, one at the planned power of 0.8`, { seeds, effects }, 'firstFound', 'covered');
  }
  const margin = leastMarginT({ n: seeds, sd: SD });
  show(`2 arms, ${seeds} seeds, equal, margin of power 0.8`, { seeds, effects: [0], margin }, 'anyWithin');
}
for (const onSplit of [0, 0.5, 1]) {
  const apart = `arms differ by split (${onSplit})`;
  show(`2 splits, 5 seeds, ${apart}`, { seeds: 5, splits: 2, effects: NONE, onSplit }, 'coveredOnSplits', 'covered');
  for (const splits of [3, 5, 8])
    show(
      `${splits} splits, 3 seeds, ${apart}`,
      { seeds: 3, splits, effects: NONE, onSplit },
      'anyFound',
      'covered',
      'coveredOverBlocks',
    );
}
// What a seed does to an arm on every split is not in an interval over splits.
for (const onSeed of [0.25, 0.5])
  for (const seeds of [3, 8]) {
    const world = { seeds, splits: 5, effects: NONE, onSplit: 0.5, onSeed };
    show(`5 splits, ${seeds} seeds, arms differ by seed too (${onSeed})`, world, 'anyFound', 'covered');
  }
for (const splits of [3, 5]) {
  const sd = Math.sqrt(2 / 3 + 2 * 0.25);
  const effects = [-leastDifferenceT({ n: splits, sd, alpha: 0.05 / 3 }), 0, 0];
  const world = { seeds: 3, splits, effects, onSplit: 0.5 };
  show(`${splits} splits, 3 seeds, one at the planned power of 0.8`, world, 'firstFound', 'covered');
}
