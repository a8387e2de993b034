/**
 * Kills `phasetune eval judge` at random moments, at an endpoint of which 30 % of all requests go
 * wrong, and counts what is lost, what is asked twice, and what differs from a run that nobody
 * killed: all must be 0.
 *
 *     npx tsx scripts/reliability/judge-kills.ts [KILLS = 50] [ROWS = 805] [SEED = 1] \
 *       [LONGEST TIME TO A KILL, MS = 1000] [all]
 *
 * With `all` requests go wrong in all ways that pass, connections that hang among them; else in
 * those that pass quickly.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ALL_PASSING_FAULTS, PASSING_FAULTS } from '../../tests/helpers/endpoint-faults.js';
import { killJudges } from './kill-judges.js';

const [kills = 50, rows = 805, seed = 1, withinMs = 1000] = process.argv.slice(2, 6).map(Number);
const kinds = process.argv[6] === 'all' ? ALL_PASSING_FAULTS : PASSING_FAULTS;
const folder = mkdtempSync(join(tmpdir(), 'phasetune-judge-kills-'));
try {
  const compare = ['verdicts.jsonl', 'result.json'] as const;
  const result = await killJudges({
    folder,
    rows,
    kills,
    seed,
    faults: 0.3,
    kinds,
    withinMs,
    compare,
    log: console.error,
  });
  console.log(JSON.stringify(result));
  if (result.lost + result.askedTwice + result.different > 0) process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
