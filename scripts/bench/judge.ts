/**
 * Times `phasetune eval judge` over generated answers at an endpoint on this machine that answers
 * at once, and prints a line of JSON: seconds of the whole command, seconds of processor time, most
 * memory held, the same for a second run, which asks nothing, and for `phasetune eval report`.
 *
 *     npm run build && npx tsx scripts/bench/judge.ts [ROWS = 805] [ARMS BESIDE THE BASELINE = 2] [CONCURRENCY = 16]
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { random } from '../../src/core/random.js';
import { type Outputs, writeEvaluation } from '../../tests/helpers/evaluation.js';
import { timedCommand } from './timed-command.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const [rows = 805, arms = 2, concurrency = 16] = process.argv.slice(2).map(Number);
const dir = mkdtempSync(join(tmpdir(), 'phasetune-bench-judge-'));

/** Answers of some 100 words. */
function answersOf(arm: string): Outputs {
  const draw = random(1, arm);
  const words = () => Array.from({ length: 60 + draw.integer(80) }, () => `word${draw.integer(5000)}`).join(' ');
  return Object.fromEntries(Array.from({ length: rows }, (_, i) => [`r${i}`, words()]));
}

async function timed(baseUrl: string) {
  const { json, ...took } = await timedCommand(
    ...['eval', 'judge', dir, '--judge', 'llm', '--base-url', baseUrl, '--model', 'judge'],
    ...['--concurrency', String(concurrency)],
  );
  const { judged, missing, asked } = json.judges.judge;
  return { ...took, judged, missing, requests: asked?.requests };
}

const server = spawn(process.execPath, [
  '--import',
  import.meta.resolve('tsx'),
  `${ROOT}scripts/bench/endpoint.ts`,
  '0',
  '1',
  '0',
  'pairs',
]);
try {
  const names = ['base', ...Array.from({ length: arms }, (_, i) => `arm-${i + 1}`)];
  writeEvaluation(dir, Object.fromEntries(names.map((name) => [name, answersOf(name)])));
  const [baseUrl] = await once(createInterface(server.stdout), 'line');
  const first = await timed(baseUrl);
  const again = await timed(baseUrl);
  const { json: _, ...report } = await timedCommand('eval', 'report', dir);
  console.log(JSON.stringify({ rows, arms, concurrency, first, again, report }));
} finally {
  server.kill();
  rmSync(dir, { recursive: true, force: true });
}
