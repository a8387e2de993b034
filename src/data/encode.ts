import { dataError } from '../core/errors.js';
import type { Tokenizer } from '../tokenizer/tokenizer.js';
import type { EncodedRow } from './encoded.js';
import type { EncodeOptions } from './options.js';
import { renderRow } from './prompt.js';
import type { InstructionRecord } from './record.js';

/** What became of a row. `tokens` counts its tokens before any cut, up to its last trained one. */
export type EncodedOutcome =
  | { readonly kind: 'kept' | 'truncated'; readonly row: EncodedRow; readonly tokens: number; readonly ended: boolean }
  | { readonly kind: 'too-long' | 'prompt-too-long'; readonly tokens: number };

/**
 * Tokens and mask of one row. The rendered conversation is tokenised once, as a whole, so the ids are those of transformers'
 * `apply_chat_template(tokenize=True)`. Trained (mask 1) are the tokens that hold a character of a trained answer, up to and with the
 * first end token behind its beginning; what the template adds after it is not trained, nor is the very first token.
 *
 * A row over `maxLength` is cut at its end under `truncate`, so its answer loses its end token; under the other policies
 * it is `too-long`. A row whose prompt leaves no room for one trained token is `prompt-too-long` under every policy. What
 * follows the last trained token never counts as too long; it is cut away when it does not fit.
 */
export function encodeRow(record: InstructionRecord, tokenizer: Tokenizer, options: EncodeOptions): EncodedOutcome {
  if (record.messages.at(-1)?.role !== 'assistant')
    throw dataError(`row ${record.id}: row without an answer; expected the last message to be the assistant's`, {
      id: record.id,
    });
  const { ids, mask, ended } = tokenize(record, tokenizer, options);
  const { maxLength, overflow } = options;
  const tokens = mask.lastIndexOf(1) + 1;
  const first = mask.indexOf(1);
  if (tokens === 0)
    throw dataError(`row ${record.id}: no token of the answer is left after tokenising`, { id: record.id });
  if (first >= maxLength) return { kind: 'prompt-too-long', tokens };
  if (tokens > maxLength && overflow !== 'truncate') return { kind: 'too-long', tokens };
  const cut = mask.subarray(0, maxLength);
  const row: EncodedRow = {
    id: record.id,
    ids: Int32Array.from(ids.length > maxLength ? ids.slice(0, maxLength) : ids),
    mask: cut.slice(),
    trained: cut.reduce((n, m) => n + m, 0),
  };
  return tokens > maxLength ? { kind: 'truncated', row, tokens, ended: false } : { kind: 'kept', row, tokens, ended };
}

/** Ids and mask of the whole row; `ended` when every trained answer has its end token. */
function tokenize(record: InstructionRecord, tokenizer: Tokenizer, options: EncodeOptions) {
  const { text, answers } = renderRow(record.messages, tokenizer, options);
  const ids = tokenizer.encode(text);
  const mask = new Uint8Array(ids.length);
  let ended = true;
  for (const { start, end } of answers) {
    const from = tokenAt(text, ids, start, tokenizer);
    const to = end === text.length ? ids.length : tokenAt(text, ids, end, tokenizer);
    let stop = from;
    while (stop < to && !tokenizer.endIds.has(ids[stop]!)) stop++;
    ended &&= stop < to;
    mask.fill(1, from, Math.min(stop + 1, to));
  }
  mask[0] = 0;
  return { ids, mask, ended };
}

/**
 * Index of the first token that holds a character at or behind offset `at`. Usually the text before it, tokenised alone,
 * gives exactly the tokens before. Where a token reaches over the border (an answer that begins with a newline after a
 * prompt that ends with one), the tokens are decoded from the front until they reach over it; a tokenizer whose decoding does not give
 * the text back is not asked: there the tokens that both have in common are taken for the prompt.
 */
function tokenAt(text: string, ids: readonly number[], at: number, tokenizer: Tokenizer): number {
  const before = tokenizer.encode(text.slice(0, at));
  const differs = before.findIndex((id, i) => id !== ids[i]);
  if (differs < 0) return before.length;
  if (tokenizer.decode(ids) !== text) return differs;
  let low = 0;
  let high = ids.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (tokenizer.decode(ids.slice(0, middle + 1)).length > at) high = middle;
    else low = middle + 1;
  }
  return low;
}
