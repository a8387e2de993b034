import { retryCells } from '../../../study/control.js';
import type { Run } from '../../command.js';
import type { command } from './options.js';

/** See {@link command}. */
export const run: Run<typeof command> = async ({ folder, cells }, { print }) => {
  const retried = await retryCells(folder, cells);
  if (retried.length === 0) print(`${folder}: no cell has failed`);
  else print(`tried again when the study runs next: ${retried.join(', ')}`);
  return { folder, cells: retried };
};
