/**
 * Times `phasetune score` over generated rows, as many as Alpaca has, at an endpoint on this
 * machine that answers at once, and prints a line of JSON: seconds of the whole command, seconds of
 * processor time, most memory held, and the same for a second run, which asks only what failed.
 * Requests are not reported for a run that left rows without a score.
 *
 *     npm run build && npx tsx scripts/bench/score.ts [ROWS = 52002] [SHARE OF FAULTS = 0] [CONCURRENCY = 16]
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { random } from '../../src/core/random.js';
import { timedCommand } from './timed-command.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const [rows = 52_002, faults = 0, concurrency = 16] = process.argv.slice(2).map(Number);
const folder = mkdtempSync(join(tmpdir(), 'phasetune-bench-score-'));
const [file, out] = [join(folder, 'rows.jsonl'), join(folder, 'scored.jsonl')];

/** Rows of Alpaca's usual lengths: some 60 characters of instruction and 270 of answer. */
function makeRows(): string {
  const draw = random(1, 'rows');
  const words = (count: number) => Array.from({ length: count }, () => `word${draw.integer(5000)}`).join(' ');
  return Array.from({ length: rows }, (_, i) => {
    const content = `item-${i} ${words(2 + draw.integer(10))}`;
    const answer = { role: 'assistant', content: words(5 + draw.integer(60)) };
    return `${JSON.stringify({ id: String(i), messages: [{ role: 'user', content }, answer] })}\n`;
  }).join('');
}

async function timed(baseUrl: string) {
  const args = ['score', file, '--out', out, '--scorer', 'openai', '--base-url', baseUrl, '--model', 'judge'];
  const asking = ['--concurrency', String(concurrency), '--retry-wait', '0.05', '--force'];
  const { json, ...took } = await timedCommand(...args, ...asking);
  return { ...took, requests: json.asked?.requests };
}

const server = spawn(process.execPath, [
  ...['--import', import.meta.resolve('tsx'), `${ROOT}scripts/bench/endpoint.ts`],
  ...[String(faults), '1', '0'],
]);
try {
  writeFileSync(file, makeRows());
  const [baseUrl] = await once(createInterface(server.stdout), 'line');
  const first = await timed(baseUrl);
  const again = await timed(baseUrl);
  console.log(JSON.stringify({ rows, faults, concurrency, first, again }));
} finally {
  server.kill();
  rmSync(folder, { recursive: true, force: true });
}
