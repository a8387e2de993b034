import type { Terminal } from '../telemetry/terminal.js';

/** The exit status that a shell shows for a program ended by SIGPIPE. */
const SIGPIPE_STATUS = 141;

/**
 * Ends the process silently once nobody reads its standard output any more (`| head`), for commands
 * that only print.
 */
export const stopWhenUnread = ({ out }: Pick<Terminal, 'out'>): void =>
  out.onUnread(() => process.exit(SIGPIPE_STATUS));
