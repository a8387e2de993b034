import { show } from '../core/shown.js';
import { isEmpty, isRow, listIn, listOf, type RawRow, RowProblem, textIn } from './fields.js';
import type { Answers, Draft, Importer, RowFormat } from './importer.js';
import { type Message, recordSchema } from './record.js';
import { recordProblem } from './record-problem.js';
import { SET_IMPORTERS } from './set-importers.js';
import { systemColumns, withSystem } from './system.js';
import { type Turns, turnsIn } from './turns.js';

/**
 * All importers; detection tries them in this order, on rows without nulls, and those of sets only
 * where answers are optional.
 */
export const IMPORTERS: Readonly<Record<RowFormat, Importer>> = {
  ...SET_IMPORTERS,
  records: {
    looksLike: '{id, messages, score?, stage?, meta?}',
    matches: (row) => recordSchema.safeParse(row).success,
    read: readRecord,
  },
  messages: {
    looksLike: '{messages: [{role, content}]}',
    matches: (row) => hasList(row, 'messages'),
    read: (row) => conversation(row, 'messages'),
  },
  sharegpt: {
    looksLike: '{conversations: [{from, value}]}',
    matches: (row) => hasList(row, 'conversations'),
    read: (row) => conversation(row, 'conversations'),
  },
  phasedsft: {
    looksLike: '{id, score, data: [instruction, answer]}',
    matches: (row) => hasList(row, 'data'),
    read: (row) => withColumns(row, { messages: alternate(listOf(row, 'data'), 'data'), used: ['data'] }),
  },
  alpaca: {
    looksLike: '{instruction, input, output}',
    matches: (row) => 'instruction' in row,
    read: (row, answers) => withColumns(row, readAlpaca(row, answers)),
  },
  'prompt-completion': {
    looksLike: '{prompt, completion}',
    matches: (row) => 'prompt' in row && !('messages' in row),
    read: (row, answers) => withColumns(row, readPromptCompletion(row, answers)),
  },
};

/**
 * A row without nulls in the first format that fits it; one with an empty list of turns in none,
 * unless nothing else fits.
 */
export function formatOf(row: RawRow, answers: Answers = 'required'): RowFormat | undefined {
  const formats = formatsFor(answers).filter((format) => IMPORTERS[format].matches(row));
  return formats.find((format) => !(LISTS[format] && isEmpty(row[LISTS[format]]))) ?? formats[0];
}

/** The formats that rows may have. */
export const formatsFor = (answers: Answers): RowFormat[] =>
  (Object.keys(IMPORTERS) as RowFormat[]).filter((format) => answers === 'optional' || !(format in SET_IMPORTERS));

const LISTS: Partial<Record<RowFormat, string>> = {
  messages: 'messages',
  sharegpt: 'conversations',
  phasedsft: 'data',
};

const hasList = (row: RawRow, key: string) => listIn(row[key]) !== undefined || /^\s*\[/.test(String(row[key] ?? ''));

function readRecord(row: RawRow): Draft {
  const { score: _, ...rest } = row;
  const result = recordSchema.safeParse(rest);
  if (result.success) return { messages: result.data.messages, used: ['messages', 'stage', 'meta'] };
  throw new RowProblem(recordProblem(rest, result.error));
}

function conversation(row: RawRow, key: string): Draft {
  return withColumns(row, { ...turnsIn(row, key), used: [key] });
}

/** Columns that go with the conversation and would be lost. */
const LOST = [
  'tools',
  'functions',
  'available_tools',
  'tool_calls',
  'function_call',
  'function_calls',
  'image',
  'images',
  'audio',
  'audios',
  'video',
  'videos',
];

/** Puts the system prompt of a column before the conversation. Throws for a column with tools or pictures. */
function withColumns(row: RawRow, draft: Draft): Draft {
  const lost = LOST.find((name) => !draft.used.includes(name) && !isEmpty(row[name]));
  if (lost !== undefined)
    throw new RowProblem(
      `expected a conversation of text alone, found the field ${lost} (${show(row[lost])}), which would be lost; put it into the text, or remove it`,
    );
  return {
    ...draft,
    messages: withSystem(draft.messages, row),
    used: [...draft.used, ...systemColumns(row)],
  };
}

/**
 * Instruction and input joined by a newline, as the published training sets do, or whichever of
 * them there is; `history` as LLaMA-Factory has it.
 */
function readAlpaca(row: RawRow, answers: Answers): Draft {
  const input = row.input === undefined ? '' : textIn(row, 'input');
  const instruction = row.instruction === undefined && input.trim() !== '' ? '' : textIn(row, 'instruction');
  const history = row.history === undefined || isEmpty(row.history) ? [] : listOf(row, 'history');
  const asked = [instruction, input].filter((text) => text.trim() !== '');
  return {
    messages: [
      ...history.flatMap((pair, i) => alternate(Array.isArray(pair) ? pair : [pair], `history[${i}]`)),
      { role: 'user', content: asked.join('\n') },
      ...(answers === 'optional' && isEmpty(row.output)
        ? []
        : [{ role: 'assistant' as const, content: textIn(row, 'output') }]),
    ],
    used: ['instruction', 'input', 'output', 'history'],
  };
}

/** Two texts, or two lists of messages as TRL writes them. */
function readPromptCompletion(row: RawRow, answers: Answers): Draft {
  const side = (key: string, role: Message['role']): Turns => {
    const value = row[key];
    const list = Array.isArray(value) || isRow(value);
    return list ? turnsIn(row, key) : { messages: [{ role, content: textIn(row, key) }], turnFields: {} };
  };
  const alone = answers === 'optional' && isEmpty(row.completion);
  const prompt = side('prompt', 'user');
  const completion = alone ? { messages: [], turnFields: {} } : side('completion', 'assistant');
  return {
    messages: [...prompt.messages, ...completion.messages],
    turnFields: { ...prompt.turnFields, ...completion.turnFields },
    used: ['prompt', 'completion'],
  };
}

function alternate(texts: readonly unknown[], key: string): Message[] {
  return texts.map((content, i) => {
    if (typeof content !== 'string') throw new RowProblem(`${key}[${i}]: expected a text, found ${show(content)}`);
    return { role: i % 2 === 0 ? 'user' : 'assistant', content };
  });
}
