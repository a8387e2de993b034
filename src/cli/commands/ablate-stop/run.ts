import { stopStudy } from '../../../study/control.js';
import { formatCounted } from '../../../telemetry/format.js';
import type { Run } from '../../command.js';
import type { command } from './options.js';

/** See {@link command}. */
export const run: Run<typeof command> = async ({ folder, now }, { print }) => {
  const asked = await stopStudy(folder, { now });
  const how = now ? 'end at once' : 'save first';
  if (!asked) print(`${folder}: no process runs this study`);
  else if ('jobs' in asked) print(`asked ${formatCounted(asked.jobs, 'job')} of Slurm to stop; they ${how}`);
  else print(`asked process ${asked.pid} on ${asked.host} to stop; its cells ${how}`);
  const isProcess = asked !== undefined && 'pid' in asked;
  return { folder, now, process: isProcess ? asked : null, jobs: asked && 'jobs' in asked ? asked.jobs : 0 };
};
