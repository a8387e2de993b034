import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sameText } from '../../src/core/same-text.js';

/** Characters that are not seen, one of each kind. */
const UNSEEN = ['\u200b', '\u200c', '\u200d', '\u2060', '\ufeff', '\u00ad', '\u200e', '\u202b', '\ufe0f', '\u034f'];

describe('two copies of a text', () => {
  it.each([
    ['composed and decomposed accents', 'forêt déjà', 'fore\u0302t de\u0301ja\u0300'],
    ['marks in another order', 'ạ\u0302', 'a\u0302\u0323'],
    ['Hangul, composed or not', '한국어', '한국어'.normalize('NFD')],
    ['a zero-width space', 'lake', 'la\u200bke'],
    ['a soft hyphen', 'cooperation', 'co\u00adoperation'],
    ['no-break spaces', 'a b', 'a\u00a0\u202fb'],
    ['case', 'STRASSE É', 'strasse e\u0301'],
    ['the Kelvin sign', '300 K', '300 \u212a'],
  ])('differ in %s and are the same', (_, one, other) => {
    expect(sameText(one)).toBe(sameText(other));
    expect(sameText(one, true)).toBe(sameText(other, true));
  });

  it.each([
    ['full-width letters', 'ABC 12', 'ＡＢＣ １２'],
    ['ligatures', 'office', 'oﬃce'],
    ['half-width kana', 'ガ', 'ｶﾞ'],
  ])('with %s are the same only where a copy must not be missed', (_, one, other) => {
    expect(sameText(one, true)).toBe(sameText(other, true));
    expect(sameText(one)).not.toBe(sameText(other));
  });

  it.each([
    ['a', 'á'],
    ['5²', '52'],
    ['a b', 'ab'],
    ['o', 'ø'],
  ])('%s and %s are not', (one, other) => {
    expect(sameText(one)).not.toBe(sameText(other));
  });

  it('are the same whatever is mixed in that is not seen, and done twice changes nothing', () => {
    const mixed = fc.array(fc.tuple(fc.string({ unit: 'grapheme', maxLength: 4 }), fc.constantFrom(...UNSEEN)));
    fc.assert(
      fc.property(mixed, fc.boolean(), (parts, compatible) => {
        const plain = parts.map(([text]) => text).join('');
        const noisy = parts.map(([text, mark]) => text.normalize('NFD') + mark).join('');
        expect(sameText(noisy, compatible)).toBe(sameText(plain, compatible));
        expect(sameText(sameText(plain, compatible), compatible)).toBe(sameText(plain, compatible));
      }),
      { seed: 21, numRuns: 300 },
    );
  });
});
