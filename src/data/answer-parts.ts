import { dataError } from '../core/errors.js';
import type { ChatRenderer, RenderedChat } from '../tokenizer/chat-template.js';
import { type Opening, opening } from './opening.js';
import type { Message } from './record.js';

/** Where an answer is in a text, UTF-16 offsets. */
export interface AnswerPart {
  /** Where the model begins to write. */
  readonly start: number;
  /** After the last character of the answer. */
  readonly end: number;
  /**
   * The template's end token may stand from `end` up to here, where the next turn's text begins.
   * Equal to `end` where the template itself marks what is trained.
   */
  readonly limit: number;
}

/** Where the text of a turn stands, and how far the texts of other turns are away. */
interface Turn {
  readonly start: number;
  end: number;
  /** Where the turn's text before it ends. */
  readonly after: number;
  limit: number;
  /** True where other turns' texts stand between parts of it: the template writes it in several places. */
  scattered: boolean;
}

/** The places of the turns' texts; undefined for one of which nothing is written. */
function placesOf({ text, contents }: RenderedChat, turns: number): (Turn | undefined)[] {
  const places = new Array<Turn | undefined>(turns);
  for (const [k, { message, start, end }] of contents.entries()) {
    const limit = contents[k + 1]?.start ?? text.length;
    const place = places[message];
    if (place) Object.assign(place, { end, limit, scattered: place.scattered || contents[k - 1]!.message !== message });
    else places[message] = { start, end, limit, after: contents[k - 1]?.end ?? 0, scattered: false };
  }
  return places;
}

/**
 * Where the model begins to write a turn: where the prompt before it ends, so that what the
 * template writes in between (a blank, an opened thought) is the model's to write; with the turn's
 * own text where the finished conversation has another text there than the prompt.
 */
function startOf(text: string, { start, after }: Turn, { prompt, lead }: Opening): number {
  const before = text.slice(after, start);
  // The last one: turns without text may lie between.
  const at = prompt === '' ? -1 : before.lastIndexOf(prompt);
  if (at >= 0) return after + at + prompt.length;
  return before.endsWith(lead) ? start - lead.length : start;
}

/**
 * The parts of the `trained` turns by the places of their texts. Throws a data error where an
 * answer is not in the text, or in several places.
 */
export function writtenParts(
  rendered: RenderedChat,
  trained: readonly number[],
  messages: readonly Message[],
  render: ChatRenderer,
): AnswerPart[] {
  const places = placesOf(rendered, messages.length);
  const blank = trained.filter((i) => !places[i]);
  const lost = blank.find((i) => messages[i]!.content.trim() !== '');
  if (lost !== undefined)
    throw dataError(
      `the chat template does not write the answer of turn ${lost + 1}; expected its text in the conversation`,
    );
  const twice = trained.find((i) => places[i]?.scattered);
  if (twice !== undefined)
    throw dataError(
      `the chat template writes the answer of turn ${twice + 1} in several places, with other turns between them; expected it once`,
    );
  const begins = opening(render);
  const empty = blank.length > 0 ? emptyParts(rendered, blank, messages, render, begins) : undefined;
  return trained.map((i) => {
    const place = places[i];
    if (!place) return empty!.get(i)!;
    return { start: startOf(rendered.text, place, begins), end: place.end, limit: place.limit };
  });
}

/** What stands for an answer without text, to see where the template puts it. */
const STAND_IN = 'x';

/** The parts of answers without text: where another rendering, the same otherwise, has a letter in place of each. */
function emptyParts(
  { text }: RenderedChat,
  blank: readonly number[],
  messages: readonly Message[],
  render: ChatRenderer,
  begins: Opening,
): Map<number, AnswerPart> {
  const wanted = new Set(blank);
  const filled = render(messages.map((message, i) => (wanted.has(i) ? { ...message, content: STAND_IN } : message)));
  const places = placesOf(filled, messages.length);
  const parts = new Map<number, AnswerPart>();
  const pieces: string[] = [];
  let from = 0;
  for (const [n, i] of blank.entries()) {
    const place = places[i];
    if (!place) break;
    pieces.push(filled.text.slice(from, place.start));
    from = place.end;
    // Each answer before it made the text longer by one letter.
    const end = place.start - n;
    parts.set(i, { start: startOf(filled.text, place, begins) - n, end, limit: place.limit - n - STAND_IN.length });
  }
  pieces.push(filled.text.slice(from));
  if (parts.size === blank.length && pieces.join('') === text) return parts;
  throw dataError(
    `the answer of turn ${blank[0]! + 1} is empty, and the chat template writes other text there than around an answer; leave the row out`,
  );
}

/**
 * The parts that a template marks by `{% generation %}`, as transformers' `assistant_masks` has
 * them: of all answers, or of the last one; those of answers that are not trained are left out.
 */
export function generatedParts(
  { generated, contents, text }: RenderedChat,
  trained: readonly number[],
  messages: readonly Message[],
  trainOn: 'last' | 'all',
): AnswerPart[] {
  const wanted = new Set(trained);
  let k = 0;
  const owned = generated.map((block) => {
    while (k < contents.length && contents[k]!.end <= block.start) k++;
    const owners: number[] = [];
    for (let j = k; j < contents.length && contents[j]!.start < block.end; j++) owners.push(contents[j]!.message);
    return { block, owners: owners.filter((i) => messages[i]!.role === 'assistant') };
  });
  const lost = trained.find(
    (i) => messages[i]!.content.trim() !== '' && !owned.some(({ owners }) => owners.includes(i)),
  );
  if (lost !== undefined)
    throw dataError(
      `the chat template does not write the answer of turn ${lost + 1} in its {% generation %} blocks; expected its text there`,
    );
  const chosen =
    trainOn === 'all'
      ? owned.filter(({ owners }) => owners.length === 0 || owners.some((i) => wanted.has(i)))
      : owned.filter(
          ({ owners }, b) => owners.some((i) => wanted.has(i)) || (owners.length === 0 && b === owned.length - 1),
        );
  return (trained.length > 0 ? chosen : []).flatMap(({ block: { start, end } }) =>
    start < end && end <= text.length ? [{ start, end, limit: end }] : [],
  );
}
