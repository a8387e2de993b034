import { escapeControls } from '../core/escape.js';
import { hide } from './redact.js';

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
}

/**
 * A logger that writes one line a message, secrets hidden and control characters escaped.
 *
 * @example
 * const logger = createLogger({ write: (line) => console.error(line) });
 * const records = await readRecords('rows.jsonl', {}, { logger });
 */
export function createLogger({ write, verbose = false }: LoggerOptions): Logger {
  const line = (prefix: string) => (message: string) => void write(`${prefix}${escapeControls(hide(message))}`);
  return { debug: verbose ? line('debug: ') : () => {}, info: line(''), warn: line('warning: ') };
}
