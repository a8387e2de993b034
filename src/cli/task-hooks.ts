import { describeCost } from '../workflow/asking-cost.js';
import type { AskHooks } from '../workflow/hooks.js';
import type { CommandContext } from './command.js';

/**
 * What a command gives its task. The signal is handed over only once it is needed: until then an interrupt ends the
 * process at once. Without a terminal nobody can agree to a cost.
 */
export const taskHooks = (context: CommandContext): AskHooks => {
  const { logger, verbose, confirm } = context;
  return {
    logger,
    verbose,
    get signal() {
      return context.signal;
    },
    ...(confirm && { confirm: (cost) => confirm(`This may cost ${describeCost(cost)}. Continue?`) }),
  };
};
