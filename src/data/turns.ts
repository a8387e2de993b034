import { show } from '../core/shown.js';
import { isEmpty, isRow, listOf, type RawRow, RowProblem, withoutNulls } from './fields.js';
import type { Message } from './record.js';

/** The turns of a conversation, and their fields other than text, by place: `{'messages[1]': {model: 'gpt-4'}}`. */
export interface Turns {
  readonly messages: Message[];
  readonly turnFields: Readonly<Record<string, RawRow>>;
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

/**
 * Fields by which a turn says whether it is trained, in the words of OpenAI, mistral-finetune and
 * SlimOrca, axolotl, and ms-swift.
 */
const TRAINED = ['weight', 'train', 'training', 'loss'];

/** Words in the names of other fields that say what is trained. */
const TRAINS = words('weight weights train training trained trainable loss mask masked');

/** Words in the names of fields that are a part of what the turn says, or that change how it is written. */
const CHANGES = words(
  'tool tools function functions call calls reasoning think thinking thought thoughts cot rationale scratchpad analysis observation plugin plugins image images picture pictures audio video videos file files attachment attachments document documents media refusal prefix partial prefill citations',
);

/** Words in the names of columns that hold thoughts or weights, which belong to the answer and are not trained. */
const BELONGS = words('reasoning think thinking thought thoughts cot rationale scratchpad weight');

/** True for the name of a column that looks as if it belonged to the row's answer. */
export const belongsToAnswer = (name: string): boolean => hasWord(name, BELONGS);

function words(list: string): ReadonlySet<string> {
  return new Set(list.split(' '));
}

/** The words of a name, however it joins them: `toolCalls`, `tool_calls`, `tool-calls`. */
const wordsOf = (name: string) =>
  name
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z]+/);

const hasWord = (name: string, known: ReadonlySet<string>) => wordsOf(name).some((word) => known.has(word));

/**
 * Reads the turns in a field, as OpenAI (role, content) or ShareGPT (from, value) writes them; null
 * counts as absent. A mark that an answer is not trained becomes `train: false`. Throws
 * {@link RowProblem} for what would be lost or cannot be honoured: tool calls, reasoning, pictures,
 * a weight that is a fraction; other fields are returned in `rest`.
 */
export function turnsIn(row: RawRow, key: string): Turns {
  const turnFields: Record<string, RawRow> = {};
  const messages = listOf(row, key).map((turn, i) => {
    const at = `${key}[${i}]`;
    if (!isRow(turn)) throw new RowProblem(`${at}: expected an object with role and content, found ${show(turn)}`);
    const { message, rest } = readTurn(withoutNulls(turn), at);
    if (Object.keys(rest).length > 0) turnFields[at] = rest;
    return message;
  });
  return { messages, turnFields };
}

function readTurn(turn: RawRow, at: string): { message: Message; rest: RawRow } {
  const { role: _, from: __, content: ___, value: ____, ...others } = turn;
  const rest: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(others)) {
    if (TRAINED.includes(name)) continue;
    if (isEmpty(value)) continue;
    if (hasWord(name, TRAINS))
      throw new RowProblem(
        `${at}: the field ${name} (${show(value)}) seems to say what is trained and is not known; write it as weight, 0 or 1, or remove it`,
      );
    if (hasWord(name, CHANGES) && value !== false)
      throw new RowProblem(
        `${at}: expected a turn of text alone, found ${name} (${show(value)}), which would be lost; put it into the text, or remove it`,
      );
    rest[name] = value;
  }
  const role = roleOf(turn, at);
  const train = isTrained(turn, role, at);
  return { message: { role, content: contentOf(turn, at), ...(!train && { train: false as const }) }, rest };
}

function roleOf(turn: RawRow, at: string): Message['role'] {
  const [role, from] = [known(turn.role), known(turn.from)];
  const given = turn.role ?? turn.from;
  const found = turn.role === undefined ? from : role;
  if (!found) {
    const odd =
      given === undefined ? `only ${Object.keys(turn).slice(0, 10).join(', ') || '(no fields)'}` : show(given);
    const tool = typeof given === 'string' && hasWord(given, TOOL_ROLES);
    const why = tool ? ' (tool calls and their results are not supported)' : '';
    throw new RowProblem(`${at}: expected the role system, user or assistant, found ${odd}${why}`);
  }
  if (from !== found && turn.from !== undefined)
    throw new RowProblem(`${at}: role says ${show(turn.role)} and from says ${show(turn.from)}; remove one of them`);
  return found;
}

const TOOL_ROLES = words('tool tools function ipython observation environment call');

const known = (name: unknown): Message['role'] | undefined =>
  typeof name === 'string' && Object.hasOwn(ROLES, name.toLowerCase()) ? ROLES[name.toLowerCase()] : undefined;

/** False for an answer that is marked as not trained. */
function isTrained(turn: RawRow, role: Message['role'], at: string): boolean {
  const marks = TRAINED.filter((name) => turn[name] !== undefined).map((name) => {
    const value = turn[name];
    if (value === true || value === 1) return { name, trained: true };
    if (value === false || value === 0) return { name, trained: false };
    const fraction = typeof value === 'number' ? '; a turn is trained or it is not' : '';
    throw new RowProblem(`${at}: expected ${name} to be 0 or 1, false or true, found ${show(value)}${fraction}`);
  });
  const [first] = marks;
  if (!first) return true;
  const other = marks.find(({ trained }) => trained !== first.trained);
  if (other)
    throw new RowProblem(
      `${at}: ${first.name} is ${show(turn[first.name])} and ${other.name} is ${show(turn[other.name])}; remove one of them`,
    );
  if (role === 'assistant') return first.trained;
  if (first.trained)
    throw new RowProblem(
      `${at}: ${first.name} is ${show(turn[first.name])} on a turn of the ${role}, and only answers are trained; set it to 0, or remove it`,
    );
  return true;
}

function contentOf(turn: RawRow, at: string): string {
  const { content, value } = turn;
  if (content === undefined && value === undefined)
    throw new RowProblem(`${at}: expected content as text, found only ${Object.keys(turn).slice(0, 10).join(', ')}`);
  const text = contentText(content ?? value, at);
  if (content !== undefined && value !== undefined && contentText(value, at) !== text)
    throw new RowProblem(`${at}: content is ${show(content)} and value is ${show(value)}; remove one of them`);
  return text;
}

/** A text, or OpenAI's list of parts of type text. */
function contentText(content: unknown, at: string): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) throw new RowProblem(`${at}: expected content as text, found ${show(content)}`);
  return content.map((part) => partText(part, at)).join('');
}

const TEXT_PARTS = ['text', 'input_text', 'output_text'];

function partText(part: unknown, at: string): string {
  if (!isRow(part) || !TEXT_PARTS.includes(part.type as string) || typeof part.text !== 'string')
    throw new RowProblem(`${at}: expected content parts of type text, found ${show(part)}`);
  const { type: _, text, cache_control: __, ...others } = part;
  const odd = Object.keys(others).find((name) => !isEmpty(others[name]));
  if (odd !== undefined)
    throw new RowProblem(
      `${at}: expected a part of text alone, found ${odd} (${show(others[odd])}), which would be lost; remove it`,
    );
  return text;
}
