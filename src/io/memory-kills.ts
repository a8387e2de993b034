import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * How many processes the system has ended for lack of memory since it was started, in containers and outside (oom_kill
 * of Linux's /proc/vmstat); undefined where it does not report it. `root` is where the system's files are.
 */
export function memoryKills(root = '/'): number | undefined {
  try {
    const match = /^oom_kill (\d+)$/m.exec(readFileSync(join(root, 'proc/vmstat'), 'utf8'));
    return match ? Number(match[1]) : undefined;
  } catch {
    return undefined;
  }
}
