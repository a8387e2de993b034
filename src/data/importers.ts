import type { ROW_FORMATS } from './options.js';
import { type Message, recordSchema } from './record.js';

/** One of the ways to write rows. */
export type RowFormat = (typeof ROW_FORMATS)[number];

/** A row of a JSON file, not yet understood. */
export type RawRow = Readonly<Record<string, unknown>>;

/** What an importer finds in a row, before ids, scores and the rest are dealt with. */
interface Draft {
  readonly messages: Message[];
  /** Fields of the row that are used up; the others go into `meta`. */
  readonly used: readonly string[];
}

/** What is wrong with one row: what was expected and what came, without the place. */
export class RowProblem extends Error {}

/** One way to write rows: how it is told, what it looks like, how it is read. `read` throws {@link RowProblem}. */
export interface Importer {
  readonly looksLike: string;
  matches(row: RawRow): boolean;
  read(row: RawRow): Draft;
}

/** All importers; detection tries them in this order. */
export const IMPORTERS: Readonly<Record<RowFormat, Importer>> = {
  records: {
    looksLike: '{id, messages, score?, stage?, meta?}',
    matches: (row) =>
      'id' in row &&
      Array.isArray(row.messages) &&
      Object.keys(row).every((key) => Object.hasOwn(recordSchema.shape, key)),
    read: readRecord,
  },
  messages: {
    looksLike: '{messages: [{role, content}]}',
    matches: (row) => Array.isArray(row.messages),
    read: (row) => ({ messages: turns(row, 'messages'), used: ['messages'] }),
  },
  sharegpt: {
    looksLike: '{conversations: [{from, value}]}',
    matches: (row) => Array.isArray(row.conversations),
    read: (row) => ({ messages: [...system(row), ...turns(row, 'conversations')], used: ['conversations', 'system'] }),
  },
  phasedsft: {
    looksLike: '{id, score, data: [instruction, answer]}',
    matches: (row) => Array.isArray(row.data),
    read: (row) => ({ messages: alternate(list(row, 'data'), 'data'), used: ['data'] }),
  },
  alpaca: {
    looksLike: '{instruction, input, output}',
    matches: (row) => 'instruction' in row,
    read: readAlpaca,
  },
  'prompt-completion': {
    looksLike: '{prompt, completion}',
    matches: (row) => 'prompt' in row && !('messages' in row),
    read: readPromptCompletion,
  },
};

function readRecord(row: RawRow): Draft {
  const { score: _, ...rest } = row;
  const result = recordSchema.safeParse(rest);
  if (result.success) return { messages: result.data.messages, used: ['messages', 'stage', 'meta'] };
  const issue = result.error.issues[0]!;
  throw new RowProblem(`${issue.path.length > 0 ? `field ${issue.path.join('.')}: ` : ''}${issue.message}`);
}

/** Instruction and input joined by a newline, as the published training sets do; `system` and `history` as LLaMA-Factory has them. */
function readAlpaca(row: RawRow): Draft {
  const input = row.input === undefined || row.input === null ? '' : text(row, 'input');
  const instruction = text(row, 'instruction');
  const history = row.history === undefined || row.history === null ? [] : list(row, 'history');
  return {
    messages: [
      ...system(row),
      ...history.flatMap((pair, i) => alternate(Array.isArray(pair) ? pair : [pair], `history[${i}]`)),
      { role: 'user', content: input === '' ? instruction : `${instruction}\n${input}` },
      { role: 'assistant', content: text(row, 'output') },
    ],
    used: ['instruction', 'input', 'output', 'system', 'history'],
  };
}

/** Two texts, or two lists of messages as TRL writes them. */
function readPromptCompletion(row: RawRow): Draft {
  const side = (key: string, role: Message['role']): Message[] =>
    Array.isArray(row[key]) ? turns(row, key) : [{ role, content: text(row, key) }];
  return {
    messages: [...side('prompt', 'user'), ...side('completion', 'assistant')],
    used: ['prompt', 'completion'],
  };
}

const ROLES: Readonly<Record<string, Message['role']>> = {
  system: 'system',
  developer: 'system',
  user: 'user',
  human: 'user',
  assistant: 'assistant',
  gpt: 'assistant',
  model: 'assistant',
  chatgpt: 'assistant',
  bing: 'assistant',
  bard: 'assistant',
};

function turns(row: RawRow, key: string): Message[] {
  return list(row, key).map((turn, i) => {
    const at = `${key}[${i}]`;
    if (typeof turn !== 'object' || turn === null)
      throw new RowProblem(`${at}: expected an object with role and content, found ${show(turn)}`);
    const { role, from, content, value } = turn as Record<string, unknown>;
    const name = role ?? from;
    const known =
      typeof name === 'string' && Object.hasOwn(ROLES, name.toLowerCase()) ? ROLES[name.toLowerCase()] : undefined;
    if (!known) throw new RowProblem(`${at}: expected the role system, user or assistant, found ${show(name)}`);
    return { role: known, content: contentText(content === undefined ? value : content, at) };
  });
}

/** A text, or OpenAI's list of parts of type text. */
function contentText(content: unknown, at: string): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) throw new RowProblem(`${at}: expected content as text, found ${show(content)}`);
  return content
    .map((part: { type?: unknown; text?: unknown } | null) => {
      if (part?.type === 'text' && typeof part.text === 'string') return part.text;
      throw new RowProblem(`${at}: expected content parts of type text, found ${show(part)}`);
    })
    .join('');
}

function alternate(texts: readonly unknown[], key: string): Message[] {
  return texts.map((content, i) => {
    if (typeof content !== 'string') throw new RowProblem(`${key}[${i}]: expected a text, found ${show(content)}`);
    return { role: i % 2 === 0 ? 'user' : 'assistant', content };
  });
}

const system = (row: RawRow): Message[] => {
  const given = row.system === undefined || row.system === null ? '' : text(row, 'system');
  return given === '' ? [] : [{ role: 'system', content: given }];
};

function text(row: RawRow, key: string): string {
  const value = row[key];
  if (typeof value === 'string') return value;
  throw new RowProblem(
    `expected the field ${key} with a text, found ${key in row ? show(value) : `only ${namesOf(row)}`}`,
  );
}

function list(row: RawRow, key: string): readonly unknown[] {
  const value = row[key];
  if (Array.isArray(value)) return value;
  throw new RowProblem(
    `expected the field ${key} with a list, found ${key in row ? show(value) : `only ${namesOf(row)}`}`,
  );
}

/** The names of a row's first fields, for an error message. */
export function namesOf(row: RawRow): string {
  const names = Object.keys(row);
  const told = names.slice(0, 10).map((name) => (name.length > 40 ? `${name.slice(0, 37)}...` : name));
  return told.join(', ') + (names.length > told.length ? ` and ${names.length - told.length} more` : '');
}

/** A value for an error message, cut to 40 characters. */
export function show(value: unknown): string {
  const json = JSON.stringify(value) ?? 'nothing';
  return json.length > 40 ? `${json.slice(0, 37)}...` : json;
}
