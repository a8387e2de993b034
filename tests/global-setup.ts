import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { leftIn } from './helpers/folder.js';

const PREFIX = 'phasetune-tests-';

/**
 * Gives the run a temporary folder of its own, and fails it when something is left there: what a
 * file's own check came too early for.
 */
export default function setup(): () => void {
  // Vitest calls this for every project of the run, in one process: the first one's folder is for all.
  if (basename(tmpdir()).startsWith(PREFIX)) return () => {};
  const folder = mkdtempSync(join(tmpdir(), PREFIX));
  const before = process.env.TMPDIR;
  process.env.TMPDIR = folder;
  return () => {
    const left = leftIn(folder);
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
    if (left.length === 0) return;
    // An error here would be printed, and the run would pass all the same.
    console.error(`error: the tests left ${left.join(', ')} in the temporary folder of the run`);
    process.exitCode = 1;
  };
}
