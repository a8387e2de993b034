import type { ChatRenderer, RenderedChat } from '../tokenizer/chat-template.js';
import type { LiteralText } from '../tokenizer/literal-text.js';
import type { Tokenizer } from '../tokenizer/tokenizer.js';
import { type AnswerPart, generatedParts, writtenParts } from './answer-parts.js';
import type { EncodeOptions } from './options.js';
import { paperRenderer } from './paper-template.js';
import type { Message } from './record.js';

/** A conversation as text, and the answers in it that are trained, in order. */
export interface RenderedRow extends RenderedChat {
  readonly answers: readonly AnswerPart[];
  /** True where the template does not write all that the turns say, white space apart. */
  readonly leavesOut: boolean;
}

type Template = EncodeOptions['template'];

const papers = new WeakMap<Tokenizer, ChatRenderer>();

/** What writes conversations: the model's chat template, or the paper's. */
export function rendererOf(tokenizer: Tokenizer, template: Template): ChatRenderer {
  if (template === 'chat') return tokenizer.renderChat;
  const paper = papers.get(tokenizer) ?? paperRenderer(tokenizer);
  papers.set(tokenizer, paper);
  return paper;
}

/**
 * A rendered conversation as it is encoded: with `splitSpecialTokens`, what its turns say is text
 * whatever it spells.
 */
export const encodable = (
  { text, contents }: RenderedChat,
  { splitSpecialTokens }: Pick<EncodeOptions, 'splitSpecialTokens'>,
): LiteralText => ({ text, literal: splitSpecialTokens ? contents : [] });

/**
 * The prompt of a conversation whose next turn is the model's: what a model tuned with this template must be given. The
 * paper's ends with `Assistant:` without a space, which belongs to the first token of the answer.
 *
 * @example
 * const tokenizer = await loadTokenizer('models/tiny-llama');
 * const { text } = renderPrompt([{ role: 'user', content: 'Hi' }], tokenizer, 'chat');
 */
export const renderPrompt = (
  messages: readonly Message[],
  tokenizer: Tokenizer,
  template: EncodeOptions['template'],
): RenderedChat => rendererOf(tokenizer, template)(messages, { addGenerationPrompt: true });

/**
 * Renders a conversation that ends with an answer, once, and finds the answers by where the
 * template put their text. `trainOn` picks the last answer or all of them, without those that say
 * `train: false`. Throws a data error where the template refuses the conversation, or does not
 * write an answer.
 */
export function renderRow(
  messages: readonly Message[],
  tokenizer: Tokenizer,
  { template, trainOn }: Pick<EncodeOptions, 'template' | 'trainOn'>,
): RenderedRow {
  const render = rendererOf(tokenizer, template);
  const rendered = render(messages);
  const last = messages.length - 1;
  const trained = messages.flatMap(({ role, train }, i) =>
    role === 'assistant' && train !== false && (trainOn === 'all' || i === last) ? [i] : [],
  );
  const answers =
    rendered.generated.length > 0
      ? generatedParts(rendered, trained, messages, trainOn)
      : writtenParts(rendered, trained, messages, render);
  return { ...rendered, answers, leavesOut: leavesOut(rendered, messages) };
}

/** Characters of a text that are not white space. */
const visible = (text: string): number => text.length - (text.match(/\s/g)?.length ?? 0);

function leavesOut({ text, contents }: RenderedChat, messages: readonly Message[]): boolean {
  const written = new Array<number>(messages.length).fill(0);
  for (const { message, start, end } of contents) written[message]! += visible(text.slice(start, end));
  return messages.some(({ content }, i) => written[i]! < visible(content));
}

/**
 * What is written between the turn before the last answer and the answer itself: the assistant's
 * header of a chat template, `Assistant:` of the paper's. Separators from the turn before are left
 * out; '' where the template has none (Mistral's).
 */
export function renderHeader(messages: readonly Message[], tokenizer: Tokenizer, template: Template): string {
  const { text, answers } = renderRow(messages, tokenizer, { template, trainOn: 'last' });
  const asked = rendererOf(tokenizer, template)(messages.slice(0, -1)).text;
  return text.slice(commonPrefix(asked, text), answers.at(-1)!.start).trimStart();
}

function commonPrefix(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  let i = 0;
  while (i < length && a[i] === b[i]) i++;
  return i;
}
