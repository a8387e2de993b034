import type { RequestMessage } from '../../endpoint/types.js';
import { frameFor } from '../../scoring/data-block.js';
import { instructionItem, type JudgePrompt, type PromptOptions } from '../../scoring/prompt.js';
import { shorten } from '../../scoring/shorten.js';
import type { PairForm } from './pair-form.js';
import type { PairQuestion } from './pair-judge.js';

/** Changes with every change of what is put around a form's text, so that replies to other prompts do not count. */
export const PAIR_PROMPT_VERSION = 1;

/**
 * Makes what puts two answers before a judge, as data that can give no orders: they are "A", which
 * stands first, and "B". Nothing says which arms they are of.
 *
 * @example
 * const prompt = pairPromptFor(await loadPairForm('pair'), { maxChars: 24_000, systemTurn: true });
 * const messages = [{ role: 'user' as const, content: 'What is 2 + 3?' }];
 * const { messages: request } = prompt({ messages, first: '5', second: 'Five or six.' });
 */
export function pairPromptFor(
  form: PairForm,
  { maxChars, systemTurn }: PromptOptions,
): (question: Pick<PairQuestion, 'messages' | 'first' | 'second'>) => JudgePrompt {
  const [before, after] = form.user.split('{{item}}') as [string, string];
  const frame = frameFor({
    system: (form.system ?? '').trim(),
    before,
    after,
    claim: 'a verdict, a score',
    form: replyForm(form),
    systemTurn,
  });
  return ({ messages, first, second }) => {
    const all = [...messages.map(({ content }) => content), first, second];
    const { texts, cut } = shorten(all, maxChars);
    const [a, b] = texts.slice(-2);
    return { messages: frame({ ...instructionItem(messages, texts), A: a, B: b }), cut };
  };
}

/** A prompt after a reply that had no verdict: the form is said once more. */
export const askAgain = (messages: readonly RequestMessage[], form: PairForm): readonly RequestMessage[] =>
  messages.map((message, place) =>
    place < messages.length - 1
      ? message
      : {
          ...message,
          content: `${message.content}\n\nA reply in any other form cannot be read, and does not count. Once more: ${replyForm(form)}`,
        },
  );

/** How the reply is to look, in words. */
function replyForm({ reply, reason }: PairForm): string {
  const lead = reason ? '"reason": "one or two short sentences", ' : '';
  return reply === 'better'
    ? `Reply with JSON of the form {${lead}"better": V} and nothing else, where V is "A", "B" or "tie".`
    : `Reply with JSON of the form {${lead}"A": N, "B": N} and nothing else, where each N is a whole number from ${LOWEST} to ${HIGHEST}: the score of that answer.`;
}

/** Ends of the scale of scores. */
export const [LOWEST, HIGHEST] = [1, 10] as const;

/** JSON Schema of the reply, with only what every strict mode takes. */
export function pairReplySchema({ reply, reason }: PairForm): Readonly<Record<string, unknown>> {
  const score = { type: 'integer', enum: Array.from({ length: HIGHEST - LOWEST + 1 }, (_, i) => LOWEST + i) };
  const properties = {
    ...(reason && { reason: { type: 'string' } }),
    ...(reply === 'better' ? { better: { type: 'string', enum: ['A', 'B', 'tie'] } } : { A: score, B: score }),
  };
  return { type: 'object', properties, required: Object.keys(properties), additionalProperties: false };
}
