import { hub, type PreTokenizer, type PreTokenizerClass } from './hub.js';

/**
 * Makes pre-tokenizers cut where the Rust tokenizers that trained the model cut. Version 0.2.0 of the package takes only 0 to 9
 * for digits, where Rust takes every Unicode number (`½`, `Ⅷ`), and in its byte-level pattern JavaScript's `\s`, which knows U+FEFF
 * but not U+0085. Without this, 11 of the 6,889 published stage-3 rows have other tokens than transformers gives them.
 */
export function useRustClasses(preTokenizer: PreTokenizer | null): void {
  if (!preTokenizer) return;
  const is = (type: PreTokenizerClass) => preTokenizer instanceof type;
  if (is(hub.SequencePreTokenizer)) {
    for (const part of preTokenizer.tokenizers ?? []) useRustClasses(part);
  } else if (is(hub.DigitsPreTokenizer)) {
    preTokenizer.pattern = preTokenizer.config?.individual_digits ? /\P{N}+|\p{N}/gu : /\P{N}+|\p{N}+/gu;
  } else if (is(hub.ByteLevelPreTokenizer) && preTokenizer.pattern) {
    const { source, flags } = preTokenizer.pattern;
    const unicode = source.replaceAll('\\s', '\\p{White_Space}').replaceAll('\\S', '\\P{White_Space}');
    preTokenizer.pattern = new RegExp(unicode, flags);
  }
}
