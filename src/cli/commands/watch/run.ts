import { openLivePage } from '../../../live/open.js';
import type { Run } from '../../command.js';
import { openPrivately } from '../../live/open-privately.js';
import type { command } from './options.js';

/** See {@link command}. */
export const run: Run<typeof command> = async ({ open, ...options }, context) => {
  const { signal, print, announce, logger, vocabulary } = context;
  const { url, port, tunnel, closed, close } = await openLivePage(options, { signal, vocabulary });
  print(url);
  if (tunnel !== undefined) print(`from another machine, first: ${tunnel}`);
  announce({ url, port, ...(tunnel !== undefined && { tunnel }) });
  const opened = open ? await openPrivately(url) : undefined;
  if (opened && !opened.shown) logger.warn('no browser could be opened here; open the address yourself');
  try {
    await closed;
  } finally {
    await opened?.forget();
    await close();
  }
  return {};
};
