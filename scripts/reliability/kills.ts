/**
 * Kills runs of a tiny model at random moments, resumes them, and compares all they leave with runs
 * never interrupted: in every mode and precision, over checkpoints on the way, changes of stage and
 * measurements. Each way goes through `phasetune verify resume`.
 *
 *     npm run build
 *     npx tsx scripts/reliability/kills.ts [--kills 200] [--seed 0] [--only eager]
 *
 * Prints one JSON line for each way and one for all; ends with 1 when any run came to another end.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { killable, ROOT, WAYS } from './ways.js';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '200' },
    seed: { type: 'string', default: '0' },
    only: { type: 'string' },
  },
});

/** Standard output and exit code of the built command line; what it says goes to standard error. */
function phasetune(args: readonly string[]): Promise<{ code: number | null; out: string }> {
  const child = spawn(process.execPath, [join(ROOT, 'dist/cli/main.js'), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let out = '';
  child.stdout.setEncoding('utf8').on('data', (text) => (out += text));
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, out })));
}

const home = await mkdtemp(join(tmpdir(), 'phasetune-kills-'));
const ways = WAYS.filter(({ name }) => values.only === undefined || name.includes(values.only));
const { model, data } = await killable(home);
const all = { kills: 0, runs: 0, same: 0, hits: {} as Record<string, number> };
let failed = 0;
for (const [i, { name, args }] of ways.entries()) {
  const kills =
    Math.floor((Number(values.kills) * (i + 1)) / ways.length) - Math.floor((Number(values.kills) * i) / ways.length);
  const where = ['--model', model, '--data', data, '--out', join(home, `way-${i}`), '--seed', values.seed];
  const { code, out } = await phasetune(['verify', 'resume', ...where, ...args, '--kills', String(kills), '--json']);
  const result = JSON.parse(out.trimEnd().split('\n').at(-1)!);
  process.stdout.write(`${JSON.stringify({ way: name, ...result })}\n`);
  if (code !== 0) failed++;
  else {
    all.kills += result.kills;
    all.runs += result.runs;
    all.same += result.same;
    for (const [hit, times] of Object.entries<number>(result.hits)) all.hits[hit] = (all.hits[hit] ?? 0) + times;
  }
}
process.stdout.write(`${JSON.stringify({ way: 'all', ...all, failed })}\n`);
if (failed === 0) await rm(home, { recursive: true });
process.exitCode = failed === 0 ? 0 : 1;
