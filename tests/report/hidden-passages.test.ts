import { afterEach, describe, expect, it } from 'vitest';
import { random } from '../../src/core/random.js';
import type { Passage } from '../../src/report/page.js';
import { hiddenPassages } from '../../src/report/parts/hidden-passages.js';
import { hide, keepSecret, secretPlaces } from '../../src/telemetry/redact.js';

const KEY = 'hf_abcdefghijklmnop12';
afterEach(() => keepSecret([]));

const cut = (text: string, ...ends: number[]): Passage[] =>
  [0, ...ends].map((from, i) => ({ text: text.slice(from, ends[i] ?? text.length), mark: 'context' }));
const shown = (passages: readonly Passage[]) => passages.map(({ text }) => text);

describe('hiddenPassages', () => {
  it('hides a secret that is cut into several tokens, and leaves the others as they are', () => {
    expect(shown(hiddenPassages(cut(`a ${KEY} b`, 2, 5, 9, 2 + KEY.length)))).toEqual(['a ', '[hidden]', ' b']);
    const plain = cut('nothing to hide', 7, 10);
    expect(hiddenPassages(plain)).toBe(plain);
  });

  it('hides every piece of every secret, wherever the text is cut', () => {
    keepSecret(['correct horse battery']);
    const texts = [
      `${KEY}${KEY}`,
      `x correct horse battery${KEY} y`,
      `https://me:${'p'.repeat(9)}@host/ ${KEY}`,
      'a&b',
    ];
    const { integer } = random(1, 'hidden passages');
    for (let n = 0; n < 300; n++) {
      const text = texts[n % texts.length]!;
      const ends = Array.from({ length: 1 + integer(8) }, () => integer(text.length + 1)).sort((x, y) => x - y);
      const result = shown(hiddenPassages(cut(text, ...ends)));
      const places = secretPlaces(text);
      let at = 0;
      for (const piece of shown(cut(text, ...ends))) {
        const from = at;
        at += piece.length;
        const touches = places.some((place) => place.from < at && from < place.to);
        if (!touches && piece !== '') expect(result).toContain(piece);
      }
      for (const secret of [KEY, 'correct horse battery', 'p'.repeat(9)])
        for (let size = 6; size <= secret.length; size++)
          expect(result.join('').includes(secret.slice(0, size)), `${text} at ${ends}`).toBe(false);
    }
  });

  it('finds the places that hide would change', () => {
    for (const text of [`a ${KEY}`, 'Bearer abcdefghijklmnopqrst', 'https://u:secret@host', 'x?token=abc&y', 'none'])
      expect(secretPlaces(text).length > 0).toBe(hide(text) !== text);
  });
});
