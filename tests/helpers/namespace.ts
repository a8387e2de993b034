import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'vitest';
import type { Ended } from '../cli/child.js';

/** Arguments that give a command mounts of its own, which end with it, and the right to make them. */
const UNSHARE = ['--user', '--map-root-user', '--mount', 'sh', '-ec'];

/** Why this machine lets nobody mount a disk of his own; undefined where it does. */
function whyNot(): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'namespace-'));
  try {
    execFileSync('unshare', [...UNSHARE, 'mount -t tmpfs none "$0"', folder], { stdio: ['ignore', 'ignore', 'pipe'] });
    return undefined;
  } catch (error) {
    return `mounting is not allowed here (${String((error as Error).message)
      .trim()
      .split('\n')
      .at(-1)})`;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

let reason: { text: string | undefined } | undefined;

/**
 * `withDisks('name', …)`: a test that mounts disks by {@link inNamespace}, skipped with the reason
 * where that is not allowed.
 */
export const withDisks = (name: string, run: () => Promise<void>, timeoutMs?: number): void => {
  test(
    name,
    async ({ skip }) => {
      reason ??= { text: whyNot() };
      if (reason.text !== undefined) {
        // The default reporter counts skipped tests without their reasons.
        console.warn(`skipped: ${name}: ${reason.text}`);
        skip(reason.text);
      }
      await run();
    },
    timeoutMs,
  );
};

/**
 * Runs a shell script, which may mount what it likes, with words as `$0`, `$1`, …; what it mounted
 * is gone at its end, and so are the processes that it left, which would hold its streams open.
 */
export async function inNamespace(script: string, ...words: string[]): Promise<Ended> {
  const child = spawn('unshare', [...UNSHARE, script, ...words], { detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  child.on('exit', () => endGroup(child.pid!));
  let [out, err] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text) => (err += text));
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, out, err })));
}

function endGroup(leader: number): void {
  try {
    process.kill(-leader, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
