import { show } from '../core/shown.js';
import { isEmpty, type RawRow, RowProblem, textIn } from './fields.js';
import type { Message } from './record.js';

/** Names of a column with the system prompt, in small letters and without marks. */
const NAMES = new Set(['system', 'systemprompt', 'systemmessage', 'systeminstruction', 'systeminstructions']);

/** The columns of a row that hold a system prompt, whatever is in them. */
export const systemColumns = (row: RawRow): string[] =>
  Object.keys(row).filter((name) => NAMES.has(name.toLowerCase().replace(/[^a-z]/g, '')));

/**
 * A conversation that begins with the system prompt that the row has in a column. Throws
 * {@link RowProblem} where it has two that are not the same, in columns or as the first turn.
 */
export function withSystem(messages: readonly Message[], row: RawRow): Message[] {
  const given = systemColumns(row)
    .filter((name) => !isEmpty(row[name]))
    .map((name) => ({ name, content: textIn(row, name) }));
  const [first] = messages;
  const [column, ...others] = given;
  if (!column) return [...messages];
  const differing = others.find(({ content }) => content !== column.content);
  if (differing) throw twoPrompts(column, differing.name, differing.content);
  if (first?.role !== 'system') return [{ role: 'system', content: column.content }, ...messages];
  if (first.content.trim() === '') return [{ role: 'system', content: column.content }, ...messages.slice(1)];
  if (first.content.trim() !== column.content.trim()) throw twoPrompts(column, 'the first turn', first.content);
  return [...messages];
}

const twoPrompts = ({ name, content }: { name: string; content: string }, other: string, otherContent: string) =>
  new RowProblem(
    `two system prompts: ${name} has ${show(content)}, ${other} has ${show(otherContent)}; remove one of them`,
  );
