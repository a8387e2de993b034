import { formatBytes } from '../telemetry/format.js';
import type { ProgressBar } from '../telemetry/progress.js';
import type { TaskProgress } from '../workflow/hooks.js';
import type { CommandContext } from './command.js';

/** Shows the progress that a function of `workflow/` reports: a bar for each part of the work. */
export function showBars(progress: CommandContext['progress']): (report: TaskProgress) => void {
  const bars = new Map<string, ProgressBar>();
  return ({ label, done, total, unit, note, ended }) => {
    const bar =
      bars.get(label) ??
      progress({ label, total, ...(unit !== undefined && { unit: unit === 'bytes' ? formatBytes : unit }) });
    bars.set(label, bar);
    if (!ended) bar.update(done, note);
    else if (bars.delete(label)) bar.finish();
  };
}
