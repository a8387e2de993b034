import { sha256, stableJson } from '../core/hash.js';
import { IMPORTERS, namesOf, type RawRow, type RowFormat, RowProblem, show } from './importers.js';
import type { InstructionRecord, Message } from './record.js';

/** True for a JSON object. */
export const isRow = (value: unknown): value is RawRow =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * One row as a record: its conversation checked, its score as a number (`scoreField`, or `score` where it has one), an id of its
 * content where it has none, its other fields in `meta`. Throws {@link RowProblem}.
 */
export function readRow(value: unknown, format: RowFormat, scoreField: string | undefined): InstructionRecord {
  if (!isRow(value))
    throw new RowProblem(`expected an object like ${IMPORTERS[format].looksLike}, found ${show(value)}`);
  const { messages, used } = IMPORTERS[format].read(value);
  checkConversation(messages);
  const score = readScore(value, scoreField);
  const id = typeof value.id === 'number' ? String(value.id) : value.id;
  const rest = Object.entries(value).filter(([key]) => key !== 'id' && key !== 'score' && !used.includes(key));
  const meta = format === 'records' ? (value.meta as InstructionRecord['meta']) : Object.fromEntries(rest);
  return {
    id: typeof id === 'string' && id.trim() !== '' ? id : sha256(stableJson(messages)).slice(0, 12),
    messages,
    ...(score !== undefined && { score }),
    ...(format === 'records' && value.stage !== undefined && { stage: value.stage as number }),
    ...(meta && Object.keys(meta).length > 0 && { meta }),
  };
}

function checkConversation(messages: readonly Message[]): void {
  const last = messages.at(-1);
  if (last?.role !== 'assistant' || last.content.trim() === '')
    throw new RowProblem(
      `row without an answer: expected it to end with a non-empty answer, found ${last ? `${last.role} ${show(last.content)}` : 'no turns'}`,
    );
  if (!messages.some((m) => m.role === 'user' && m.content.trim() !== ''))
    throw new RowProblem('row without an instruction: every user turn is empty');
  if (messages.some((m, i) => m.role === 'system' && i > 0))
    throw new RowProblem('expected a system turn only at the beginning');
}

function readScore(row: RawRow, field: string | undefined): number | undefined {
  const name = field ?? 'score';
  const value = name
    .split('.')
    .reduce<unknown>((at, key) => (isRow(at) && Object.hasOwn(at, key) ? at[key] : undefined), row);
  if (value === undefined || value === null) {
    if (field === undefined) return undefined;
    throw new RowProblem(
      `expected a score in the field ${name}, found ${value === null ? 'null' : `only ${namesOf(row)}`}`,
    );
  }
  const score = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  if (typeof score === 'number' && Number.isFinite(score)) return score;
  throw new RowProblem(`expected a number in the field ${name}, found ${show(value)}`);
}
