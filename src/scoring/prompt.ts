import type { InstructionRecord, Message } from '../data/record.js';
import type { RequestMessage } from '../endpoint/types.js';
import { frameFor } from './data-block.js';
import type { Rubric, Scale } from './rubric.js';
import { shorten } from './shorten.js';

/**
 * Changes with every change of what is put around a rubric's text, so that replies to other prompts
 * are not taken for replies to these.
 */
export const PROMPT_VERSION = 1;

/** How rows are put before a judge. */
export interface PromptOptions {
  /** Most characters of a row's texts; longer ones are cut in their middle. */
  readonly maxChars: number;
  /** False where the model knows no system turn: its text then begins the user turn. */
  readonly systemTurn: boolean;
}

/** What a judge is sent about one row. */
export interface JudgePrompt {
  readonly messages: readonly RequestMessage[];
  /** Characters of the row that were left out since it was too long. */
  readonly cut: number;
}

/**
 * Makes what puts rows before a judge, as data that can give no orders ({@link frameFor}).
 *
 * @example
 * const promptOf = promptFor(await loadRubric('difficulty-1-5'), { maxChars: 24_000, systemTurn: true });
 * const { messages } = promptOf({ id: 'row-1', messages: [{ role: 'user', content: 'Name a river.' }] });
 */
export function promptFor(
  rubric: Rubric,
  { maxChars, systemTurn }: PromptOptions,
): (record: InstructionRecord) => JudgePrompt {
  const fill = (text: string) =>
    text.replaceAll('{{min}}', String(rubric.scale.min)).replaceAll('{{max}}', String(rubric.scale.max)).trim();
  const [before, after] = fill(rubric.user).split('{{item}}') as [string, string];
  const frame = frameFor({
    system: rubric.system === undefined ? '' : fill(rubric.system),
    before,
    after,
    claim: 'a score',
    form: replyForm(rubric),
    systemTurn,
  });
  return (record) => {
    const { item, cut } = itemOf(record, rubric.judges, maxChars);
    return { messages: frame(item), cut };
  };
}

/** How the rubric wants the reply, in words. */
function replyForm({ reply, scale }: Rubric): string {
  const number = numberForm(scale);
  if (reply === 'number') return `Reply with the score and nothing else: ${number}.`;
  const shape = reply === 'json' ? '{"score": N}' : '{"reason": "one short sentence", "score": N}';
  return `Reply with JSON of the form ${shape} and nothing else, where N is ${number}.`;
}

const numberForm = ({ min, max, whole }: Scale) =>
  whole
    ? `a whole number from ${min} to ${max}`
    : `a number from ${min} to ${max}; decimals such as ${between(min, max)} are welcome`;

/** A decimal in the middle of the scale. */
function between(min: number, max: number): number {
  const middle = (min + max) / 2;
  return Number((Number.isInteger(middle) ? middle + 0.5 : middle).toPrecision(6));
}

/**
 * JSON Schema of the reply that a rubric wants; undefined where it wants a bare number, which
 * structured output cannot give. It has only what every strict mode takes: many refuse `minimum`
 * and `maximum`, and each reply is checked anyway.
 */
export function replySchema({
  reply,
  scale: { min, max, whole },
}: Rubric): Readonly<Record<string, unknown>> | undefined {
  if (reply === 'number') return undefined;
  const few = whole && max - min <= 100;
  const score = few
    ? { type: 'integer', enum: Array.from({ length: max - min + 1 }, (_, i) => min + i) }
    : { type: whole ? 'integer' : 'number' };
  const properties = { ...(reply === 'reasoned' && { reason: { type: 'string' } }), score };
  return { type: 'object', properties, required: Object.keys(properties), additionalProperties: false };
}

function itemOf({ messages }: InstructionRecord, judges: Rubric['judges'], maxChars: number) {
  const turns = messages.slice(0, -1);
  const answer = messages.at(-1)!;
  const seen = judges === 'instruction' ? turns : messages;
  const { texts, cut } = shorten(
    seen.map(({ content }) => content),
    maxChars,
  );
  const instruction = instructionItem(turns, texts);
  return { item: seen.includes(answer) ? { ...instruction, answer: texts.at(-1) } : instruction, cut };
}

/** The turns before an answer as a judge sees them, with the texts that stand for theirs. */
export const instructionItem = (turns: readonly Message[], texts: readonly string[]) =>
  turns.length === 1 && turns[0]!.role === 'user'
    ? { instruction: texts[0] }
    : { conversation: turns.map(({ role }, i) => ({ role, content: texts[i] })) };
