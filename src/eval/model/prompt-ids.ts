import type { EncodeOptions } from '../../data/options.js';
import { encodable, renderPrompt } from '../../data/prompt.js';
import type { Message } from '../../data/record.js';
import type { Tokenizer } from '../../tokenizer/tokenizer.js';

/** Token ids of conversations whose next turn is the model's. What their turns say is text, whatever it spells. */
export async function promptIds(
  conversations: readonly (readonly Message[])[],
  tokenizer: Tokenizer,
  template: EncodeOptions['template'],
): Promise<Int32Array[]> {
  const texts = conversations.map((messages) =>
    encodable(renderPrompt(messages, tokenizer, template), { splitSpecialTokens: true }),
  );
  return (await tokenizer.encodeBatch(texts)).map(({ ids }) => Int32Array.from(ids));
}
