/**
 * Kills `phasetune score` at random moments, at an endpoint of which 30 % of all requests go wrong,
 * and counts what is lost and what is asked twice: both must be 0.
 *
 *     npx tsx scripts/reliability/score-kills.ts [KILLS = 50] [ROWS = 4000] [SEED = 1] \
 *       [LONGEST TIME TO A KILL, MS = 1000] [all]
 *
 * With `all` requests go wrong in all ways that pass, connections that hang among them; else in
 * those that pass quickly.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ALL_PASSING_FAULTS, PASSING_FAULTS } from '../../tests/helpers/endpoint-faults.js';
import { killScores } from './kill-scores.js';

const [kills = 50, rows = 4000, seed = 1, withinMs = 1000] = process.argv.slice(2, 6).map(Number);
const kinds = process.argv[6] === 'all' ? ALL_PASSING_FAULTS : PASSING_FAULTS;
const folder = mkdtempSync(join(tmpdir(), 'phasetune-score-kills-'));
try {
  const result = await killScores({ folder, rows, kills, seed, faults: 0.3, kinds, withinMs, log: console.error });
  console.log(JSON.stringify(result));
  if (result.lost + result.askedTwice + result.wrong > 0) process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
