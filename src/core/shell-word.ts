import type { OptionValue } from './remedies.js';

/** A value as one word for the shell, whatever is in it: in quotes unless no character in it means anything there. */
export function shellWord(value: OptionValue): string {
  const text = String(value);
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
