import { type PhasetuneError, usageError } from '../core/errors.js';
import { suggest } from '../core/suggest.js';
import type { Registered } from './registry.js';

/** What the words of a command line name: a command, or a family of commands whose help is asked for. */
export type Selection =
  | { readonly command: Registered; readonly rest: readonly string[] }
  | { readonly family: readonly Registered[]; readonly rest: readonly string[] };

/** Finds the command that the first one or two words name; flags may come before it. Throws a usage error for an unknown one. */
export function selectCommand(args: readonly string[], commands: readonly Registered[]): Selection {
  const at = args.findIndex((arg) => !arg.startsWith('-'));
  if (at < 0) return { family: commands, rest: args };
  const without = (words: number) => [...args.slice(0, at), ...args.slice(at + words)];
  const first = args[at]!;
  const second = args[at + 1];
  const both = `${first} ${second ?? ''}`.trim();
  for (const [name, words] of [
    [both, 2],
    [first, 1],
  ] as const) {
    const command = commands.find((c) => c.name === name);
    if (command) return { command, rest: without(words) };
  }
  const family = commands.filter((c) => c.name.startsWith(`${first} `));
  const asksHelp = args.includes('--help') || args.includes('-h');
  if (family.length > 0 && asksHelp && (second === undefined || second.startsWith('-')))
    return { family, rest: without(1) };
  throw unknownCommand(first, both, family, commands);
}

function unknownCommand(
  first: string,
  both: string,
  family: readonly Registered[],
  all: readonly Registered[],
): PhasetuneError {
  const names = (family.length > 0 ? family : all).map((c) => c.name);
  const near = suggest(both, names) ?? suggest(first, names);
  const known = names.map((name) => `phasetune ${name}`).join(', ');
  const typed = family.length > 0 ? both : first;
  return usageError(`"${typed}": unknown command${near ? ` (did you mean "${near}"?)` : ''}; expected ${known}`, {
    command: typed,
  });
}
