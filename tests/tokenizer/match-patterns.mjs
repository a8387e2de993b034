/** Reads patterns and texts as JSON from standard input and encodes every text with every pattern by the Rust library, which ends the process where a match takes too many steps. */
import { text } from 'node:stream/consumers';
import { Tokenizer } from 'tokenizers';

const { json, patterns, texts } = JSON.parse(await text(process.stdin));

/** The tokenizer with a pattern; undefined for one that the library does not read. */
function withPattern(Regex) {
  const split = { type: 'Split', pattern: { Regex }, behavior: 'Isolated', invert: false };
  try {
    return Tokenizer.fromString(JSON.stringify({ ...json, pre_tokenizer: split }));
  } catch {
    return undefined;
  }
}

let read = 0;
for (const pattern of patterns) {
  const tokenizer = withPattern(pattern);
  if (!tokenizer) continue;
  read++;
  console.error(pattern);
  for (const one of texts) await tokenizer.encode(one, null, { addSpecialTokens: false });
}
if (read < patterns.length / 2) throw new Error(`only ${read} of ${patterns.length} patterns were read`);
