import { sha256, stableJson } from '../core/hash.js';
import { numberOf } from '../core/number.js';
import { show } from '../core/shown.js';
import { isEmpty, isRow, namesOf, type RawRow, RowProblem, withoutNulls } from './fields.js';
import type { Answers, RowFormat } from './importer.js';
import { IMPORTERS } from './importers.js';
import type { InstructionRecord, Message } from './record.js';
import { SET_IDS } from './set-importers.js';
import { belongsToAnswer } from './turns.js';

/** A row as a record. */
export interface ReadRow {
  readonly record: InstructionRecord;
  /** False where the id was made of the row's content. */
  readonly ownId: boolean;
  /** Names of fields of turns that are kept in `meta.turnFields` and of which nothing is trained. */
  readonly turnFields: readonly string[];
  /**
   * Names of fields of the row that look as if they belonged to the answer, are kept in `meta`, and
   * are not trained.
   */
  readonly unusedFields: readonly string[];
  /** What a user should know about such rows, after "80 rows". */
  readonly note?: string | undefined;
}

/**
 * One row as a record: its conversation checked, its score as a number (`scoreField`, or `score`
 * where it has one), an id of its content where it has none, its other fields in `meta`. A field
 * that is null is as good as absent. Where answers are optional, a row may be an instruction alone,
 * its id may be in one of {@link SET_IDS}, and marks of what is trained mean nothing. Throws
 * {@link RowProblem}.
 */
export function readRow(
  value: unknown,
  format: RowFormat,
  scoreField: string | undefined,
  answers: Answers = 'required',
): ReadRow {
  if (!isRow(value))
    throw new RowProblem(`expected an object like ${IMPORTERS[format].looksLike}, found ${show(value)}`);
  const row = withoutNulls(value);
  const draft = IMPORTERS[format].read(row, answers);
  const { used, turnFields = {} } = draft;
  const messages = answers === 'optional' ? withoutEmptyAnswer(draft.messages) : draft.messages;
  checkConversation(messages, answers);
  if (format !== 'records' && answers === 'required') checkMarks(row);
  const score = readScore(value, scoreField) ?? (scoreField === undefined ? draft.score : undefined);
  const idField = answers === 'optional' ? ['id', ...SET_IDS].find((name) => isId(row[name])) : 'id';
  const id = idField === undefined ? undefined : idOf(row[idField]);
  const rest = Object.entries(row).filter(([key]) => key !== idField && key !== 'score' && !used.includes(key));
  const inTurns = Object.keys(turnFields).length > 0 ? [['turnFields', turnFields] as const] : [];
  const meta =
    format === 'records' ? (row.meta as InstructionRecord['meta']) : Object.fromEntries([...rest, ...inTurns]);
  const record = {
    id: id ?? sha256(stableJson(messages)).slice(0, 12),
    messages,
    ...(score !== undefined && { score }),
    ...(format === 'records' && row.stage !== undefined && { stage: row.stage as number }),
    ...(meta && Object.keys(meta).length > 0 && { meta }),
  };
  return {
    record,
    note: draft.note,
    ownId: id !== undefined,
    turnFields: [...new Set(Object.values(turnFields).flatMap(Object.keys))],
    unusedFields: rest
      .map(([key]) => key)
      .filter((key) => belongsToAnswer(key) && !isEmpty(row[key]) && row[key] !== 1),
  };
}

/** An id as text; undefined where there is none. Throws {@link RowProblem} for one that would not be the same again. */
export function idOf(id: unknown): string | undefined {
  if (id === undefined || id === null) return undefined;
  if (typeof id === 'string') return id.trim() === '' ? undefined : id;
  if (typeof id !== 'number') throw new RowProblem(`expected a text or a number as id, found ${show(id)}`);
  if (Number.isSafeInteger(id) || !Number.isInteger(id)) return String(id);
  throw new RowProblem(
    `expected an id whose digits are all known, found ${id}, which was a number with a point or an exponent; write ids as texts`,
  );
}

const isId = (value: unknown) => typeof value === 'number' || (typeof value === 'string' && value.trim() !== '');

/** The conversation up to its last question, if no answer to it is there. */
const withoutEmptyAnswer = (messages: readonly Message[]): Message[] =>
  messages.at(-1)?.role === 'assistant' && messages.at(-1)!.content.trim() === ''
    ? messages.slice(0, -1)
    : [...messages];

function checkConversation(messages: readonly Message[], answers: Answers): void {
  const last = messages.at(-1);
  if (answers === 'optional' && (last === undefined || last.role === 'system' || last.content.trim() === ''))
    throw new RowProblem(
      `row without an instruction: expected a non-empty user turn at its end, or an answer to one, found ${last ? `${last.role} ${show(last.content)}` : 'no turns'}`,
    );
  if (answers === 'required' && (last?.role !== 'assistant' || last.content.trim() === ''))
    throw new RowProblem(
      `row without an answer: expected it to end with a non-empty answer, found ${last ? `${last.role} ${show(last.content)}` : 'no turns'}`,
    );
  if (!messages.some((m) => m.role === 'user' && m.content.trim() !== ''))
    throw new RowProblem('row without an instruction: every user turn is empty');
  if (messages.some((m, i) => m.role === 'system' && i > 0))
    throw new RowProblem('expected a system turn only at the beginning');
}

/** Throws for a row that says as a whole that it is not trained; leaving it out does as it says. */
function checkMarks(row: RawRow): void {
  const name = ['weight', 'sample_weight', 'train', 'training', 'loss'].find(
    (key) => row[key] === false || (row[key] === 0 && key !== 'loss'),
  );
  if (name !== undefined) throw new RowProblem(`the row is marked as not trained (${name} is ${show(row[name])})`);
}

function readScore(row: RawRow, field: string | undefined): number | undefined {
  const name = field ?? 'score';
  const value = fieldOf(row, name);
  if (value === undefined || value === null) {
    if (field === undefined) return undefined;
    throw new RowProblem(
      `expected a score in the field ${name}, found ${value === null ? 'null' : `only ${namesOf(row)}`}`,
    );
  }
  const score = typeof value === 'string' ? numberOf(value) : value;
  if (typeof score === 'number' && Number.isFinite(score)) return score;
  throw new RowProblem(`expected a number in the field ${name}, found ${show(value)}`);
}

/** A field by its name, or, where no field has that name, by the way to it, in which dots reach inside. */
export const fieldOf = (row: RawRow, name: string): unknown =>
  Object.hasOwn(row, name)
    ? row[name]
    : name.split('.').reduce<unknown>((at, key) => (isRow(at) && Object.hasOwn(at, key) ? at[key] : undefined), row);
