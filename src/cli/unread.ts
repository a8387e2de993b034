import type { Terminal } from '../telemetry/terminal.js';

/** What a shell shows for a program that SIGPIPE ended. */
const SIGPIPE_STATUS = 141;

/** For what only prints: ends the process, without a word, once nobody reads its standard output any more (`| head`). */
export const stopWhenUnread = ({ out }: Pick<Terminal, 'out'>): void =>
  out.onUnread(() => process.exit(SIGPIPE_STATUS));
