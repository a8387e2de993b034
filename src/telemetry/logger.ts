import { redact } from './redact.js';

/** Where library code says what it does. The command line prints; library users may pass their own. */
export interface Logger {
  debug(message: string): void;
  info(message: string): void;
  warn(message: string): void;
}

/** Says nothing. The default wherever a logger is optional. */
export const silentLogger: Logger = { debug: () => {}, info: () => {}, warn: () => {} };

/** What {@link createLogger} needs. */
export interface LoggerOptions {
  /** Takes one line, without its line feed. */
  write(line: string): unknown;
  /** Also writes `debug`. Default false. */
  readonly verbose?: boolean;
  /** Texts that are never written; see `secretsIn`. */
  readonly secrets?: readonly string[];
}

/** A logger that writes one line a message, secrets hidden. */
export function createLogger({ write, verbose = false, secrets = [] }: LoggerOptions): Logger {
  const line = (prefix: string) => (message: string) => void write(`${prefix}${redact(message, secrets)}`);
  return { debug: verbose ? line('debug: ') : () => {}, info: line(''), warn: line('warning: ') };
}
