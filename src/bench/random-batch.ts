import { random } from '../core/random.js';
import type { EncodedRow } from '../data/encoded.js';
import type { MicroBatch } from '../data/micro-batch.js';

/** Places for trained tokens are a multiple of this, as in a planned batch. */
const TARGET_STEP = 32;

/** Rows of `seq` random tokens out of `vocab`, one per line; all tokens except the first of a row are trained. */
export function randomBatch(options: { batch: number; seq: number; vocab: number; seed: number }): MicroBatch {
  const { batch, seq, vocab, seed } = options;
  const { integer } = random(seed, 'tokens');
  const mask = Uint8Array.from({ length: seq }, (_, t) => (t > 0 ? 1 : 0));
  const lines = Array.from({ length: batch }, (_, row): [EncodedRow] => {
    const ids = Int32Array.from({ length: seq }, () => integer(vocab));
    return [{ id: String(row), ids, mask, trained: seq - 1 }];
  });
  const targets = Math.ceil((batch * (seq - 1)) / TARGET_STEP) * TARGET_STEP;
  return { lines, shape: { lines: batch, length: seq, targets } };
}

/** `rows` prompts of `prompt` random tokens out of `vocab`. */
export function randomPrompts(options: { rows: number; prompt: number; vocab: number; seed: number }): Int32Array[] {
  const { rows, prompt, vocab, seed } = options;
  const { integer } = random(seed, 'prompts');
  return Array.from({ length: rows }, () => Int32Array.from({ length: prompt }, () => integer(vocab)));
}
