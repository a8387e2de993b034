/**
 * What being able to go on costs: the time of a checkpoint beside that of the steps between two of
 * them at the default interval, and the time from starting a killed run again to the end of its
 * next step. Prints one JSON line.
 *
 *     npm run build
 *     npx tsx scripts/reliability/cost.ts --model MODEL --data STAGED
 */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { trainOptions } from '../../src/train/options.js';
import { machine, median, phasetune } from '../bench/measure.js';

const { values } = parseArgs({
  options: { model: { type: 'string' }, data: { type: 'string' }, steps: { type: 'string', default: '8' } },
});
const { model, data, steps } = values;
if (!model || !data) throw new Error('--model and --data are needed');

interface Event {
  readonly type: string;
  readonly time: string;
  readonly step: number;
  readonly seconds: number;
}

const home = await mkdtemp(join(tmpdir(), 'phasetune-cost-'));
const folder = join(home, 'run');
const events = async (): Promise<Event[]> => {
  const text = await readFile(join(folder, 'events.jsonl'), 'utf8').catch(() => '');
  return text.split('\n').flatMap((line) => (line.endsWith('}') ? [JSON.parse(line)] : []));
};
const stepsDone = async () => (await events()).filter(({ type }) => type === 'step').length;

function start() {
  const args = ['train', '--model', model!, '--data', data!, '--out', folder, '--resume', '--order', 'one-off'];
  const job = phasetune([...args, '--steps', steps, '--save-every', '1']);
  const child = spawn(job.program, job.args, { stdio: 'ignore' });
  return { child, ended: new Promise((resolve) => child.on('close', resolve)) };
}

// Killed behind its fourth step; what it did until then tells what a checkpoint takes.
const first = start();
while ((await stepsDone()) < 4) await sleep(5);
first.child.kill('SIGKILL');
await first.ended;
const done = await events();
const saves = done.flatMap((event, i) =>
  event.type === 'checkpoint' && done[i - 1]?.type === 'step'
    ? [Date.parse(event.time) - Date.parse(done[i - 1]!.time)]
    : [],
);
const stepSeconds = median(done.flatMap(({ type, seconds, step }) => (type === 'step' && step > 1 ? [seconds] : [])));
const saveSeconds = median(saves) / 1000;

const began = Date.now();
const before = Math.max(...done.flatMap(({ type, step }) => (type === 'checkpoint' ? [step] : [])));
const again = start();
while (!(await events()).some(({ type, step, time }) => type === 'step' && step > before && Date.parse(time) > began))
  await sleep(5);
const resumeSeconds = (Date.now() - began) / 1000;
again.child.kill('SIGKILL');
await again.ended;
await rm(home, { recursive: true });

const { saveEvery } = trainOptions.parse({});
const share = saveSeconds / (saveEvery * stepSeconds);
const figures = { step_seconds: stepSeconds, save_seconds: saveSeconds, save_every: saveEvery, save_share: share };
process.stdout.write(`${JSON.stringify({ ...figures, resume_to_step_seconds: resumeSeconds, machine: machine() })}\n`);
