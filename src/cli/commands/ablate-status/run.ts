import { studyStatus } from '../../../study/control.js';
import type { Run } from '../../command.js';
import { printStatus, statusJson } from '../../study/status-display.js';
import type { command } from './options.js';

/** See {@link command}. */
export const run: Run<typeof command> = async ({ folder }, context) => {
  const status = await studyStatus(folder);
  printStatus(status, context);
  return statusJson(status);
};
