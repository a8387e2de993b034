import { setTimeout as sleep } from 'node:timers/promises';
import { startCompanion } from '../../backend/native/companion.js';
import { tryParseJson } from '../../core/json-text.js';
import { staysInFile } from '../../io/log-file.js';
import type { CommandContext } from '../command.js';
import { thisProgram } from '../verify/this-program.js';

/** What of a command the live page beside it needs. */
type Beside = Pick<CommandContext, 'logger' | 'vocabulary'>;

/** How long the work waits for the page's address at most, in ms: it comes within a second or two. */
const PATIENCE_MS = 15_000;

/**
 * Starts the live page of a folder as a process beside this one, which continues whatever becomes of
 * it, and prints its address once it is there. The page ends with this process, after it has shown
 * how the work ended. Where standard error is kept in a file there is none: the address is the key,
 * and would stay in that file.
 */
export async function watchBeside(folder: string, { logger, vocabulary }: Beside): Promise<void> {
  if (staysInFile(2)) {
    const how = vocabulary.task('watch', { folder });
    logger.warn(
      `no live page: its address would stay in the file that standard error goes to; run ${how} on a terminal`,
    );
    return;
  }
  const { phasetune, env } = thisProgram();
  const { started } = startCompanion([...phasetune, 'watch', folder, '--wait', '--json'], env);
  const shown = started.then((said) => {
    const page = said.line === undefined ? undefined : tryParseJson(said.line);
    const { url, tunnel } = (page ?? {}) as { url?: string; tunnel?: string };
    if (url === undefined)
      return logger.warn(`the live page could not start${'why' in said && said.why ? `: ${said.why}` : ''}`);
    logger.info(`live page: ${url}`);
    if (tunnel !== undefined) logger.info(`from another machine, first: ${tunnel}`);
  });
  const patience = new AbortController();
  await Promise.race([shown, sleep(PATIENCE_MS, undefined, { signal: patience.signal }).catch(() => {})]);
  patience.abort();
}
