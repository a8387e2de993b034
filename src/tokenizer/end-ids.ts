import { show } from '../core/shown.js';
import type { Tokenizer } from './tokenizer.js';

/**
 * Says which of the ids that end an answer are not special tokens, or no tokens at all: a stale
 * `eos_token_id` ends answers in the middle of a sentence, or never.
 */
export async function endIdWarnings(
  tokenizer: Pick<Tokenizer, 'folder' | 'vocabSize' | 'endIds' | 'decodeBatch'>,
): Promise<string[]> {
  const { folder, vocabSize, endIds } = tokenizer;
  const texts = await tokenizer.decodeBatch(
    [...endIds].map((id) => [id]),
    { skipSpecialTokens: true },
  );
  return [...endIds].flatMap((id, i) => {
    if (id >= vocabSize)
      return [
        `${folder}: eos_token_id ${id} is not a token of the tokenizer, which has ${vocabSize}: nothing ends at it`,
      ];
    // A special token is left out of a text where that is asked for; an ordinary one stays.
    const text = texts[i]!;
    return text === ''
      ? []
      : [
          `${folder}: eos_token_id ${id} is ${show(text)}, an ordinary token: every answer ends where it occurs; correct generation_config.json (or config.json where that has none)`,
        ];
  });
}
