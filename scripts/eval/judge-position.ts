/**
 * Judges simulated pairs by a judge that prefers what stands first, and prints how far win rate and
 * position bias, as they come out, are from what was put in, on average over the seeds.
 *
 *     npx tsx scripts/eval/judge-position.ts [SEEDS = 20] [ROWS = 2000]
 */
import { judgeWorld } from './judge-world.js';

const [seeds = 20, rows = 2000] = process.argv.slice(2).map(Number);
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
for (const position of [0.8, -0.8])
  for (const quality of [0, 0.4]) {
    const worlds = [];
    for (let seed = 1; seed <= seeds; seed++) worlds.push(await judgeWorld({ rows, quality, position, seed }));
    const points = mean(worlds.map(({ winRate, truth }) => winRate - truth));
    const logOdds = mean(worlds.map((world) => world.position - position));
    console.log(JSON.stringify({ rows, seeds, quality, position, winRateOff: points, positionOff: logOdds }));
  }
