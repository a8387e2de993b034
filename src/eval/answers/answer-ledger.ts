import { sha256 } from '../../core/hash.js';
import type { LedgerLine } from '../../endpoint/ledger.js';
import type { GenerateOptions } from '../../generate/options.js';

/** A generated answer in `answers.ledger.jsonl`. */
export interface AnswerLine extends LedgerLine {
  readonly output: string;
  /** Its tokens, without the one that ends it. */
  readonly ids: readonly number[];
  readonly finish: 'stop' | 'length';
}

/** Who answers, and how, as far as it decides the answer: hashes of files, decoding, precision. */
export type Asked = string;

/**
 * Key of an answer: a hash of who answers and how, and of the prompt's tokens. A sampled answer also depends on the
 * place of its row among the set's chosen rows.
 */
export function answerKey(asked: Asked, prompt: Int32Array, index: number, { temperature }: GenerateOptions): string {
  const head = new TextEncoder().encode(`answer ${asked} ${temperature === 0 ? '' : index} `);
  const bytes = new Uint8Array(head.length + prompt.byteLength);
  bytes.set(head);
  bytes.set(new Uint8Array(prompt.buffer, prompt.byteOffset, prompt.byteLength), head.length);
  return sha256(bytes);
}
