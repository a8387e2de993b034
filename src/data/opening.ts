import type { ChatRenderer } from '../tokenizer/chat-template.js';
import type { Message } from './record.js';

/** What a template writes between a question and its answer. */
export interface Opening {
  /**
   * What the prompt has after the question, such as `<|im_end|>\n<|im_start|>assistant\n`: the
   * model writes what comes next. Empty where not known.
   */
  readonly prompt: string;
  /** What the template then still writes before the answer's text, such as a blank: the model's to write. */
  readonly lead: string;
}

const QUESTION: Message = { role: 'user', content: 'What is asked' };
const ANSWER: Message = { role: 'assistant', content: 'What is answered' };

const known = new WeakMap<ChatRenderer, Opening>();

/** The opening of a template, from one short conversation of a question and an answer. */
export function opening(render: ChatRenderer): Opening {
  const found = known.get(render) ?? probe(render);
  known.set(render, found);
  return found;
}

function probe(render: ChatRenderer): Opening {
  try {
    const asked = render([QUESTION], { addGenerationPrompt: true });
    const answered = render([QUESTION, ANSWER]);
    const question = asked.contents.findLast(({ message }) => message === 0)!;
    const prompt = asked.text.slice(question.end);
    const place = answered.contents.findIndex(({ message }) => message === 1);
    const between = answered.text.slice(answered.contents[place - 1]!.end, answered.contents[place]!.start);
    return { prompt, lead: between.startsWith(prompt) ? between.slice(prompt.length) : '' };
  } catch {
    return { prompt: '', lead: '' }; // A template that refuses the plainest conversation says so when it is used.
  }
}
