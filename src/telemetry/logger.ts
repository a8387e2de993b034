/** Where library code says what it does. The command line prints; library users may pass their own. */
export interface Logger {
  debug(message: string): void;
  info(message: string): void;
  warn(message: string): void;
}

/** Says nothing. The default wherever a logger is optional. */
export const silentLogger: Logger = { debug: () => {}, info: () => {}, warn: () => {} };
