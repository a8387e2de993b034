import { dataError } from '../core/errors.js';
import type { ChatRenderer } from '../tokenizer/chat-template.js';
import type { Tokenizer } from '../tokenizer/tokenizer.js';

/**
 * The paper's prompt (arXiv 2406.04371, repository xubuvd/PhasedSFT):
 * `<s>User: {instruction}</s>\nAssistant: {answer}</s>`, with this tokenizer's own bos (where it
 * has one) and eos; further turns follow on new lines, as there. The paper has no system turn: here
 * its text is put before the first instruction, on a separate line. Throws a data error where there
 * is no end token.
 */
export const paperRenderer =
  ({ folder, bos, eos }: Pick<Tokenizer, 'folder' | 'bos' | 'eos'>): ChatRenderer =>
  (messages, { addGenerationPrompt = false } = {}) => {
    if (!eos)
      throw dataError(
        `${folder}: the paper's template needs an end token; expected eos_token in tokenizer_config.json`,
      );
    let text = bos?.text ?? '';
    const contents: { message: number; start: number; end: number }[] = [];
    const writeContent = (message: number) => {
      const { content } = messages[message]!;
      if (content !== '') contents.push({ message, start: text.length, end: text.length + content.length });
      text += content;
    };
    const system = messages[0]?.role === 'system' ? 1 : 0;
    for (let i = system; i < messages.length; i++) {
      if (i > system) text += '\n';
      text += messages[i]!.role === 'user' ? 'User: ' : 'Assistant: ';
      if (i === system && system > 0) {
        writeContent(0);
        text += '\n';
      }
      writeContent(i);
      text += eos.text;
    }
    if (addGenerationPrompt) text += '\nAssistant:';
    return { text, contents, generated: [] };
  };
