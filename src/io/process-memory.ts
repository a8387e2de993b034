import { readFileSync } from 'node:fs';

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
