import type * as z from 'zod';
import type { Layer } from '../config/layers.js';
import type { Logger } from '../telemetry/logger.js';
import type { Progress, Task } from '../telemetry/progress.js';
import type { Styled } from '../telemetry/terminal.js';

/** What a handler gets besides its options. */
export interface CommandContext {
  /** Talk, on stderr. */
  readonly logger: Logger;
  /** A bar on a terminal, plain lines now and then elsewhere; on stderr. Call `finish` in the end. */
  progress(task: Task): Progress;
  /** A line of the human-readable result, on stdout; silent under `--json`. */
  print(line: Styled): void;
  /** Text that the user wants to see as it is laid out, with its own line breaks and tabs, on stdout; silent under `--json`. */
  printText(text: Styled): void;
  /** The text that a command is for, such as a model's answer: as `printText` on a terminal, byte for byte elsewhere. */
  printData(text: string): void;
  /** True where stdout shows colours. */
  readonly color: boolean;
  /** True under `--json`: the handler's return value is then printed as one JSON line, last on stdout. */
  readonly json: boolean;
  readonly verbose: boolean;
  /** Asks the user a question and resolves to true for a yes. Undefined where nobody sits at a terminal. */
  readonly confirm: ((question: string) => Promise<boolean>) | undefined;
  /**
   * Aborted by the first SIGINT, SIGTERM or SIGHUP; the handler then saves and returns or throws, and the exit code is 130, or 129 for
   * SIGHUP. A second SIGINT or SIGTERM ends the process at once, and so does the first signal while the handler has not read this property.
   */
  readonly signal: AbortSignal;
}

/**
 * One command of the command line. Flags, help and defaults come from the schema: a key `maxLength` is the flag
 * `--max-length`, a nested object `lora: { rank }` is `--lora.rank`, a list is written `a,b,c` (or, with
 * `.meta({ repeat: true })`, by giving the flag again), `.describe()` is the help text. Unknown flags are refused.
 */
export interface Command<S extends z.ZodObject = z.ZodObject> {
  /** Name and words: `stage <file>`; those in <> or [] are positional and must be keys of the schema (`<files..>` for a list). */
  readonly command: string;
  readonly describe: string;
  readonly schema: S;
  /** Example command lines with a comment each, shown by `--help`. */
  readonly examples?: readonly (readonly [commandLine: string, comment: string])[];
  /** True for commands that read a recipe: they get `--config FILE`, `--set a.b=c` and `PHASETUNE_*` variables. */
  readonly recipe?: boolean;
  /** Options that stand behind all that were given, from what was given: those of a run that goes on, for instance. */
  inherits?(given: Readonly<Record<string, unknown>>): Promise<Layer | undefined>;
  /** Options that no variable gives, by what else is given, because the same name stands for something else with other commands. */
  notFromEnvironment?(given: Readonly<Record<string, unknown>>): readonly string[];
  /**
   * True where nothing but what is printed comes of it: the command then ends (with 141) once nobody reads its standard output any more.
   * All others do their work to its end, read or not.
   */
  onlyPrints?(options: z.infer<S>): boolean;
  /** Does the work. Heavy imports belong inside, by `await import`. The result is what `--json` prints. */
  run(options: z.infer<S>, context: CommandContext): Promise<Record<string, unknown>>;
}

/** Keeps the schema's type for `run`. */
export const defineCommand = <S extends z.ZodObject>(command: Command<S>): Command<S> => command;
