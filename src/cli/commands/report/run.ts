import { pathToFileURL } from 'node:url';
import { makeReport } from '../../../report/make-report.js';
import { formatBytes } from '../../../telemetry/format.js';
import type { Run } from '../../command.js';
import { openInBrowser } from '../../open-in-browser.js';
import type { command } from './options.js';

/** See {@link command}. */
export const run: Run<typeof command> = async ({ open, ...options }, context) => {
  const { print, logger, vocabulary } = context;
  const made = await makeReport(options, { vocabulary });
  print(`report of ${made.kind}: ${made.out} (${formatBytes(made.bytes)})`);
  if (made.markdown !== undefined)
    print(`as Markdown: ${made.markdown}${made.pictures.length > 0 ? ` (${made.pictures.length} pictures)` : ''}`);
  if (open && !(await openInBrowser(pathToFileURL(made.out).href)))
    logger.warn(`no browser could be opened here; the page is ${made.out}`);
  return { ...made };
};
