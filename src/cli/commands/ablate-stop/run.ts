import { stopStudy } from '../../../study/control.js';
import type { Run } from '../../command.js';
import type { command } from './options.js';

/** See {@link command}. */
export const run: Run<typeof command> = async ({ folder, now }, { print }) => {
  const process = await stopStudy(folder, { now });
  if (process)
    print(
      `asked process ${process.pid} on ${process.host} to stop; ${now ? 'its cells end at once' : 'its cells save first'}`,
    );
  else print(`${folder}: no process runs this study`);
  return { folder, now, process: process ?? null };
};
