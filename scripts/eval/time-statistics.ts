// Time and memory of the statistics of an evaluation as large as the paper's: 4 arms, 1,047 rows of six sets.
//
//     npx tsx scripts/eval/time-statistics.ts
import { random } from '../../src/core/random.js';
import { lengthControl } from '../../src/statistics/length-control.js';
import { signFlip } from '../../src/statistics/sign-flip.js';
import { winRateIntervals } from '../../src/statistics/win-rate.js';

const SETS = [252, 218, 188, 180, 129, 80];
const strata = SETS.flatMap((rows, set) => new Array<number>(rows).fill(set));
const { uniform, normal } = random(0, 'time');
const arms = Array.from({ length: 4 }, () => strata.map(() => Math.floor(uniform() * 5) / 4));
const lengths = arms.map((rows) => rows.map(() => Math.round(300 * (normal() + 0.3))));

function time(name: string, run: () => void): void {
  const [start, before] = [performance.now(), process.cpuUsage()];
  run();
  const { user, system } = process.cpuUsage(before);
  const megabytes = process.resourceUsage().maxRSS / 1024;
  const seconds = ((performance.now() - start) / 1000).toFixed(2);
  process.stdout.write(
    `${name}: ${seconds} s, ${((user + system) / 1e6).toFixed(2)} s of the processor, peak ${megabytes.toFixed(0)} MiB\n`,
  );
}

time('win rates, 10,000 resamples', () =>
  winRateIntervals(
    arms.map((rows) => [rows]),
    strata,
    { seed: 0 },
  ),
);
time('sign flips, 100,000 for each arm', () => {
  for (const rows of arms)
    signFlip(
      rows.map((x) => x - 0.5),
      { seed: 0 },
    );
});
time('length control, 2,000 refits of one arm', () =>
  lengthControl({ scores: [arms[0]!], differences: [lengths[0]!], strata }, { seed: 0 }),
);
time('length control, 2,000 refits of each of four', () => {
  for (const [i, rows] of arms.entries())
    lengthControl({ scores: [rows], differences: [lengths[i]!], strata }, { seed: 0 });
});
