import type * as z from 'zod';
import type { Command } from './command.js';

/** A command by name; its file is loaded only when it is the one that runs. */
export interface Registered {
  /** What the user types: one word or two. */
  readonly name: string;
  /** The command's own `describe`, kept here so that `phasetune --help` loads nothing. */
  readonly describe: string;
  load(): Promise<Command<z.ZodObject>>;
}

/** A command by its name, with the type of its options forgotten. */
export const entry = <S extends z.ZodObject>(
  name: string,
  describe: string,
  load: () => Promise<Command<S>>,
): Registered => ({
  name,
  describe,
  load: load as () => Promise<unknown> as Registered['load'],
});

/** Every command, in the order that `--help` lists them. */
export const COMMANDS: readonly Registered[] = [];
