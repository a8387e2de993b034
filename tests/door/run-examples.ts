// Runs examples in this process, one after another, each in a folder of its own: run-examples.ts EXAMPLES FOLDER
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { run } from '../../src/cli/run.js';
import { handOver } from '../../src/handover/hand-over.js';
import { type Asked, digitOf, startEndpoint } from '../helpers/endpoint-server.js';
import { startHub } from '../helpers/hub.js';
import { pretendTrained } from '../helpers/pretend-trained.js';

/** An example as JavaScript; `bare` ones find only what a new installation has. */
export interface Runnable {
  readonly name: string;
  readonly code: string;
  readonly bare: boolean;
}

const [list, place] = process.argv.slice(2) as [string, string];
const examples = JSON.parse(readFileSync(list, 'utf8')) as Runnable[];
const root = resolve('.');

/** What examples find where they run. Each link is left out where the example itself writes to that name. */
const SHIPPED = ['models/tiny-llama', 'datasets/demo'];
const MADE = [
  'rows.jsonl',
  'scored.jsonl',
  'scored.scores.json',
  'staged',
  'checkpoints/first',
  'handover',
  'evals/first',
  'study.yaml',
  'studies/first',
];

const phasetune = async (...args: string[]): Promise<void> => {
  const code = await run(args);
  if (code !== 0) throw new Error(`phasetune ${args.join(' ')} ended with ${code}`);
};

/** The least that is a study. */
const STUDY = `
base: { model: models/tiny-llama, maxLength: 64, batchRows: 2 }
data: { scored: scored.jsonl, stage: { stages: 2 }, holdout: 4 }
arms: { one-off: { order: one-off }, phased: {} }
control: one-off
seeds: 1
budget: 2000
`;

/** A set that is scored and staged, a run over it, an evaluation of the run, and a study. */
async function prepare(world: string): Promise<void> {
  link(SHIPPED, root, world);
  process.chdir(world);
  const rows = readFileSync('datasets/demo/raw.jsonl', 'utf8').split('\n').slice(0, 60);
  writeFileSync('raw.jsonl', rows.join('\n'));
  await phasetune('data', 'import', 'raw.jsonl', '--out', 'rows.jsonl');
  await phasetune('score', 'rows.jsonl', '--scorer', 'length', '--out', 'scored.jsonl');
  await phasetune('stage', 'scored.jsonl', '--out', 'staged', '--stages', '2', '--holdout', '4');
  const run = ['--model', 'models/tiny-llama', '--data', 'staged', '--out', 'checkpoints/first'];
  // So fast that after two steps it answers something else.
  await phasetune('train', ...run, '--steps', '2', '--max-length', '64', '--optim.learning-rate', '0.1');
  const { record } = await handOver({ source: 'checkpoints/first', engine: 'trl', out: 'handover' });
  await pretendTrained('handover', 'checkpoints/first', record);
  const arms = ['base=models/tiny-llama', 'phased=checkpoints/first'];
  const evaluation = ['--judge', 'length', '--max-tokens', '8', '--out', 'evals/first'];
  await phasetune('eval', ...arms, '--sets', 'staged', ...evaluation);
  writeFileSync('study.yaml', STUDY);
  await phasetune('ablate', 'study.yaml', '--out', 'studies/first');
}

/** A score, or which of two answers is better, as the question asks for. */
function reply({ item, body }: Asked): { text: string } {
  const digit = digitOf(item);
  const asksForBetter = JSON.stringify(body.messages).includes('\\"better\\"');
  return { text: asksForBetter ? JSON.stringify({ reason: 'So.', better: digit % 2 ? 'A' : 'B' }) : String(digit) };
}

function link(names: readonly string[], from: string, to: string): void {
  for (const name of names) {
    mkdirSync(join(to, name, '..'), { recursive: true });
    symlinkSync(join(from, name), join(to, name));
  }
}

const world = join(place, 'world');
mkdirSync(world);
const out = process.stdout.write.bind(process.stdout);
const silence = (): boolean => true;
process.stdout.write = silence;
process.stderr.write = silence;
await prepare(world);
const endpoint = await startEndpoint({ say: reply });
const hub = await startHub(
  Object.fromEntries(
    ['config.json', 'tokenizer.json', 'tokenizer_config.json', 'model.safetensors'].map((name) => [
      name,
      readFileSync(join(root, 'models/tiny-llama', name)),
    ]),
  ),
);
process.env.HF_ENDPOINT = hub.endpoint;
const failures: string[] = [];
for (const [i, { name, code, bare }] of examples.entries()) {
  const folder = join(place, `example-${i}`);
  mkdirSync(folder);
  if (bare) for (const shipped of SHIPPED) cpSync(join(root, shipped), join(folder, shipped), { recursive: true });
  else {
    const kept = [...SHIPPED, ...MADE].filter((path) => !code.includes(`out: '${path}'`));
    link(kept, world, folder);
  }
  process.chdir(folder);
  writeFileSync('example.mjs', code.replaceAll('http://localhost:8000/v1', endpoint.baseUrl));
  try {
    await import(pathToFileURL(join(folder, 'example.mjs')).href);
  } catch (error) {
    failures.push(`${name}: ${(error as Error).stack}`);
  }
}
await Promise.all([endpoint.close(), hub.close()]);
out(JSON.stringify(failures));
process.exit(0);
