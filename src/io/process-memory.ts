import { readFileSync } from 'node:fs';

/**
 * Most memory that this process held at one time since its program began, in KiB (VmHWM of proc_pid_status(5)); undefined where the system
 * does not show. The maximum of getrusage(2) is another: there a process inherits what the one that started it held.
 */
export function highWaterKib(): number | undefined {
  try {
    const found = /^VmHWM:\s*(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'));
    return found ? Number(found[1]) : undefined;
  } catch {
    return undefined;
  }
}
