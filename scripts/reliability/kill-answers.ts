/**
 * Kills `phasetune eval answer` at random instants and runs it again, until it ends, and compares every file with
 * those of a run that was not killed, after `npm run build`:
 * `npx tsx scripts/reliability/kill-answers.ts [kills] [seed]`. The tiny model and two adapters answer 40
 * instructions, and their references are measured.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { random } from '../../src/core/random.js';
import { adapterSpecs, initAdapter } from '../../src/lora/adapter.js';
import { loraOptions } from '../../src/lora/options.js';
import { writeAdapter } from '../../src/lora/peft-files.js';
import { openModelFolder } from '../../src/model/load.js';
import { linearShapes } from '../../src/model/parameters.js';

const [kills = 20, seed = 1] = process.argv.slice(2).map(Number);
const home = await mkdtemp(join(tmpdir(), 'phasetune-kills-'));
const program = resolve('dist/cli/main.js');
const base = resolve('models/tiny-llama');

/** Writes an adapter with random values in both matrices. */
async function makeAdapter(name: string, adapterSeed: number): Promise<string> {
  const model = await openModelFolder(base);
  const linears = linearShapes(model.config);
  const options = loraOptions.parse({ rank: 4 });
  const { normal } = random(adapterSeed, 'adapter');
  const tensors = new Map(initAdapter(adapterSpecs(linears, options), adapterSeed));
  for (const [tensor, { data }] of tensors)
    if (tensor.endsWith('.lora_B.weight')) for (let i = 0; i < data.length; i++) data[i] = 0.05 * normal();
  await writeAdapter(join(home, name), { options, tensors }, linears, { name: base });
  await model.close();
  return join(home, name);
}

const rows = Array.from({ length: 40 }, (_, i) => ({
  instruction: `What is ${i} and ${3 * i}?`,
  output: `It is ${4 * i}.`,
}));
await writeFile(join(home, 'sums.json'), JSON.stringify(rows));
const arms = [`base=${base}`, `one=${await makeAdapter('one', 1)}`, `two=${await makeAdapter('two', 2)}`];

/** Runs the command; `killAfter` ms later it is killed. Resolves to whether it ended by itself. */
function answer(out: string, killAfter?: number): Promise<boolean> {
  const args = [program, 'eval', 'answer', ...arms, '--sets', join(home, 'sums.json'), '--out', join(home, out)];
  const child = spawn(process.execPath, [...args, '--max-tokens', '12', '--batch', '4'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text) => (said += text));
  const timer = killAfter === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), killAfter);
  return new Promise((done, failed) =>
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      if (code === 0 || signal === 'SIGKILL') done(code === 0);
      else failed(new Error(`ended with ${code}: ${said}`));
    }),
  );
}

/** All files besides the ledger, whose lines may be in another order, and a lock. */
async function files(out: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const entry of await readdir(join(home, out), { recursive: true, withFileTypes: true }))
    if (entry.isFile() && !/ledger|lock/.test(entry.name)) {
      const path = join(entry.parentPath, entry.name);
      found.set(path.slice(join(home, out).length), await readFile(path, 'utf8'));
    }
  return found;
}

const keys = async (out: string) =>
  (await readFile(join(home, out, 'answers.ledger.jsonl'), 'utf8'))
    .trimEnd()
    .split('\n')
    .slice(1)
    .map((line) => JSON.parse(line).key as string);

const start = performance.now();
await answer('straight');
const whole = performance.now() - start;
const expected = await files('straight');
const { uniform } = random(seed, 'kills');
let [killed, rounds, differing, twice] = [0, 0, 0, 0];
while (killed < kills) {
  const out = `killed-${rounds++}`;
  while (killed < kills && !(await answer(out, uniform() * whole))) killed++;
  await answer(out);
  const [found, asked] = [await files(out), await keys(out)];
  const same = found.size === expected.size && [...expected].every(([path, text]) => found.get(path) === text);
  if (!same) differing++;
  twice += asked.length - new Set(asked).size;
  console.log(
    `${killed} kills: ${same ? 'the same bytes' : 'OTHER BYTES'}, ${asked.length - new Set(asked).size} answered twice`,
  );
  await rm(join(home, out), { recursive: true });
}
console.log(JSON.stringify({ kills: killed, evaluations: rounds, differing, twice, secondsOfOne: whole / 1000 }));
await rm(home, { recursive: true });
if (differing + twice > 0) process.exitCode = 1;
