import { COMMANDS, type Registered } from '../../src/cli/registry.js';
import { run } from '../../src/cli/run.js';
import { openTerminal } from '../../src/telemetry/terminal.js';

/** What a command line prints on a terminal of so many columns; throws unless it ends well. */
export async function pageOf(
  args: readonly string[],
  { columns = 80, commands = COMMANDS }: { columns?: number; commands?: readonly Registered[] } = {},
): Promise<string> {
  let page = '';
  const stdout = { columns, write: (text: string) => (page += text) };
  const terminal = openTerminal({ stdout, stderr: stdout });
  if ((await run(args, commands, terminal)) !== 0) throw new Error(page);
  return page;
}
