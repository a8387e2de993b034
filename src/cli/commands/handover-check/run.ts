import { checkHandover } from '../../../handover/check.js';
import { checkError } from '../../../handover/check-error.js';
import type { Run } from '../../command.js';
import { checkLines } from '../../handover/check-display.js';
import type { command } from './options.js';

/** See {@link command}. */
export const run: Run<typeof command> = async ({ folder }, { print }) => {
  const check = await checkHandover(folder);
  for (const line of checkLines(check)) print(line);
  const error = checkError(check);
  if (error) throw error;
  return { ...check };
};
