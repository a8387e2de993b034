import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';

/**
 * Most memory that this process held at one time since its program began, in KiB (VmHWM of
 * proc_pid_status(5)); undefined where the system does not report it. The maximum of getrusage(2)
 * is not the same: a process inherits there what its parent held.
 */
export function highWaterKib(): number | undefined {
  try {
    const match = /^VmHWM:\s*(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'));
    return match ? Number(match[1]) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Memory that another process of this machine holds now, in bytes (VmRSS); undefined where the
 * system does not report it.
 */
export async function residentBytes(pid: number): Promise<number | undefined> {
  try {
    const match = /^VmRSS:\s*(\d+) kB/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'));
    return match ? Number(match[1]) * 1024 : undefined;
  } catch {
    return undefined;
  }
}
