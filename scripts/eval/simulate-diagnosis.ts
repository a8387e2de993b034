// How often the diagnosis finds what is planted in simulated runs, and what is not.
//
//     npx tsx scripts/eval/simulate-diagnosis.ts [--worlds 500] [--flips 20000]
import { parseArgs } from 'node:util';
import { diagnose } from '../../src/eval/diagnosis/diagnose.js';
import type { SignatureName } from '../../src/eval/diagnosis/diagnosis.js';
import { type Plant, simulatedFacts } from '../../tests/helpers/diagnosis-worlds.js';

const { values } = parseArgs({
  options: { worlds: { type: 'string', default: '500' }, flips: { type: 'string', default: '20000' } },
});
const worlds = Number(values.worlds);
const flips = Number(values.flips);

/** In how many worlds each signature has each state. */
function count(plant: Plant, times: number, from: number) {
  const states = new Map<string, number>();
  for (let world = 0; world < times; world++) {
    const { signatures } = diagnose(simulatedFacts(plant, from + world), { seed: world, flips });
    const found = signatures.filter(({ state }) => state === 'found');
    if (found.length > 0) states.set('any found', (states.get('any found') ?? 0) + 1);
    for (const { name, state } of signatures) {
      const key = `${name} ${state}`;
      states.set(key, (states.get(key) ?? 0) + 1);
    }
  }
  return (key: string) => ((100 * (states.get(key) ?? 0)) / times).toFixed(1);
}

const say = (line: string) => process.stdout.write(`${line}\n`);
const NAMES: readonly SignatureName[] = ['easy-items', 'forgetting', 'score-range', 'below-one-off'];
const planted: readonly (readonly [string, SignatureName, Plant])[] = [
  ['win rate 35 % in an easy band of 200 rows', 'easy-items', { rows: 600, easy: 200, easyRate: 35 }],
  ['loss of a band of 200 rows up by 0.1 of 2.0 nats', 'forgetting', { rows: 600, easy: 200, forgets: 0.1 }],
  ['two of six bins at 34 % of 1,000 rows', 'score-range', { rows: 1000, middleRate: 34 }],
  ['win rate 44 % of 1,000 rows', 'below-one-off', { rows: 1000, rate: 44 }],
];
for (const [what, name, plant] of planted) {
  const of = count(plant, worlds, 0);
  say(`planted: ${what} | ${name} found in ${of(`${name} found`)} % of ${worlds}`);
  const few = count({ ...plant, rows: 20, easy: 7 }, worlds, 50_000);
  say(`the same with 20 rows | cannot tell in ${few(`${name} cannot tell`)} %, found in ${few(`${name} found`)} %`);
}
for (const rows of [600, 1000]) {
  const of = count({ rows }, 2 * worlds, 100_000);
  say(`nothing planted in ${rows} rows | any signature in ${of('any found')} % of ${2 * worlds}`);
  for (const name of NAMES)
    say(`  ${name}: not found ${of(`${name} not found`)} %, cannot tell ${of(`${name} cannot tell`)} %`);
}
