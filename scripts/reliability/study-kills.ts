/**
 * Kills a study of a tiny model, or its cells, with SIGKILL at random moments, continues it until all cells are done,
 * and compares results, adapters and losses of held-out rows with those of a study that was never killed. Counts cells
 * that were run again after they were done.
 *
 *     npm run build
 *     npx tsx scripts/reliability/study-kills.ts [KILLS = 50] [ARMS = 4] [SEEDS = 3] [SEED = 1]
 *
 * Prints one JSON line; ends with 1 when anything differs or was run again.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { killStudy } from './kill-study.js';

const [kills = 50, arms = 4, seeds = 3, seed = 1] = process.argv.slice(2, 6).map(Number);
const folder = mkdtempSync(join(tmpdir(), 'phasetune-study-kills-'));
const result = await killStudy({ folder, kills, arms, seeds, seed, log: console.error });
console.log(JSON.stringify(result));
if (result.different.length + result.runAfterDone > 0) process.exitCode = 1;
else rmSync(folder, { recursive: true });
