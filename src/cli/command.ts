import type * as z from 'zod';
import type { Layer } from '../config/layers.js';
import type { Vocabulary } from '../core/remedies.js';
import type { Logger } from '../telemetry/logger.js';
import type { ProgressBar, ProgressTask } from '../telemetry/progress.js';
import type { Styled } from '../telemetry/terminal.js';

/** What a command gets besides its options. */
export interface CommandContext {
  /** Messages for the user, on stderr. */
  readonly logger: Logger;
  /** A bar on a terminal, plain lines now and then elsewhere; on stderr. Call `finish` in the end. */
  progress(task: ProgressTask): ProgressBar;
  /** Prints a line of the human-readable result on stdout; silent under `--json`. */
  print(line: Styled): void;
  /** Prints text that keeps its own line breaks and tabs on stdout; silent under `--json`. */
  printText(text: Styled): void;
  /**
   * Prints the text that a command is for, such as a model's answer: as `printText` on a terminal,
   * byte for byte elsewhere.
   */
  printData(text: string): void;
  /**
   * Prints, under `--json`, what a command that serves has to say, at once: it only ends when it is interrupted, and
   * what it returns then is not printed.
   */
  announce(result: Record<string, unknown>): void;
  /** How this command names options and tasks, for what it words itself. */
  readonly vocabulary: Vocabulary;
  /** True where stdout shows colours. */
  readonly color: boolean;
  /** True under `--json`: what the command returns is then printed as one JSON line, last on stdout. */
  readonly json: boolean;
  readonly verbose: boolean;
  /** Asks the user a question and resolves to true for a yes. Undefined where nobody sits at a terminal. */
  readonly confirm: ((question: string) => Promise<boolean>) | undefined;
  /**
   * Aborted by the first SIGINT, SIGTERM, SIGUSR2 or SIGHUP. The command then saves and returns or throws,
   * and the exit code is 130, or 129 for SIGHUP. A second SIGINT or SIGTERM ends the process at
   * once, and so does the first signal if the command has not read this property yet.
   */
  readonly signal: AbortSignal;
}

/**
 * All that the command line must know of a command to show its help and to read its options;
 * loading it loads no work. Flags, help and defaults come from the schema: a key `maxLength` is the
 * flag `--max-length`, a nested object `lora: { rank }` is `--lora.rank`, a list is written `a,b,c`
 * (or, with `.meta({ repeat: true })`, by repeating the flag, with `.meta({ words: true })` as all words up to the next
 * flag), `.describe()` is the help text.
 * Unknown flags are refused. The work is a {@link Run}, in a file of its own.
 */
export interface Command<S extends z.ZodObject = z.ZodObject> {
  /**
   * Name and words: `stage <file>`; those in <> or [] are positional and must be keys of the schema
   * (`<files..>` for a list).
   */
  readonly command: string;
  readonly describe: string;
  readonly schema: S;
  /** Example command lines with a comment each, shown by `--help`; the first two also on a short page. */
  readonly examples?: readonly (readonly [commandLine: string, comment: string])[];
  /**
   * The headings that help lists the options under, each with its options in order: `maxLength`,
   * `lora.rank`, or `lora` for all in it. Every option is under one of them. Without groups they
   * are all in one list.
   */
  readonly groups?: Readonly<Record<string, readonly string[]>>;
  /**
   * For a command with many options: those that matter first. `--help` then shows these alone, on
   * one screen, and `--help-all` shows every option.
   */
  readonly first?: readonly string[];
  /** True for commands that read a recipe: they get `--config FILE`, `--set a.b=c` and `PHASETUNE_*` variables. */
  readonly recipe?: boolean;
  /**
   * Options with a lower priority than any that were given, derived from those: the options of a
   * run that is resumed, for instance.
   */
  inherits?(given: Readonly<Record<string, unknown>>): Promise<Layer | undefined>;
  /** Options that are not read from variables, because there the same name means something else. */
  notFromEnvironment?(given: Readonly<Record<string, unknown>>): readonly string[];
  /**
   * True if the command only prints: it then ends, with exit code 141, once nobody reads its
   * standard output any more. All others finish their work whether it is read or not.
   */
  onlyPrints?(options: z.infer<S>): boolean;
  /** True if the command serves until it is interrupted: that is then no failure, and nothing is said of it. */
  readonly serves?: boolean;
}

/** The options of a command, all defaults filled in. */
export type OptionsOf<C extends Command> = z.infer<C['schema']>;

/**
 * Does the work of a command: `export const run: Run<typeof command> = …`. What it returns is
 * printed under `--json`.
 */
export type Run<C extends Command = Command> = (
  options: OptionsOf<C>,
  context: CommandContext,
) => Promise<Record<string, unknown>>;

/** Keeps the type of the schema, for `onlyPrints` and {@link Run}. */
export const defineCommand = <S extends z.ZodObject>(command: Command<S>): Command<S> => command;
