import type { OptionValue } from '../core/remedies.js';

/** A value as a shell takes it. */
export function shellWord(value: OptionValue): string {
  const text = String(value);
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
