import { type Remedy, wordRemedies } from '../core/remedies.js';
import { type MemoryLimit, memoryLimits } from '../io/memory-limits.js';
import { formatBytes } from './format.js';

/**
 * A warning for work that is forecast to take more memory than this process may have: what it
 * takes, what there is and what says so, and what to change; undefined where it fits, or nothing is
 * known of what there is. It is no error, since a forecast may be wrong.
 */
export function memoryWarning(
  what: string,
  bytes: number,
  remedies: readonly Remedy[],
  limits: readonly MemoryLimit[] = memoryLimits(),
): string | undefined {
  const [least] = limits;
  if (!least || !(bytes > least.bytes)) return undefined;
  return `${what} is forecast to take ${formatBytes(bytes)} of memory, and there is ${described(least)}; ${wordRemedies(remedies)}`;
}

function described({ by, bytes, of }: MemoryLimit): string {
  if (by === 'cgroup') return `a limit of ${formatBytes(bytes)} for the container or group that it runs in (cgroup)`;
  if (by === 'card') return `${formatBytes(bytes)} free on the card, which has ${formatBytes(of)}`;
  if (by === 'machine') return `${formatBytes(bytes)} free on this machine, which has ${formatBytes(of)}`;
  return `${formatBytes(bytes)} left of the ${formatBytes(of)} of address space that ulimit -v allows`;
}
