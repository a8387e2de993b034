import { keepSecret } from '../telemetry/redact.js';
import { processTerminal, type Terminal } from '../telemetry/terminal.js';
import { report } from './failure.js';
import { dispatch } from './parser.js';
import { COMMANDS, type Registered } from './registry.js';
import { findSecrets } from './secrets.js';
import { vocabularyOf } from './wording.js';

/**
 * Runs one command line and returns the exit code. Results go to standard output, messages and
 * errors to standard error.
 */
export async function run(
  args: readonly string[],
  commands: readonly Registered[] = COMMANDS,
  terminal: Terminal = processTerminal(),
): Promise<number> {
  keepSecret(await findSecrets(process.env, args));
  try {
    return await dispatch(args, commands, terminal);
  } catch (thrown) {
    return report(thrown, args, terminal, vocabularyOf());
  }
}
