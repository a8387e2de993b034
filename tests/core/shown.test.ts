import { describe, expect, it } from 'vitest';
import { shownName, shownValue } from '../../src/core/shown.js';

describe('a name from a file', () => {
  it.each([
    ['as it is', 'model.layers.0.mlp.weight', 'model.layers.0.mlp.weight'],
    ['with letters of any script', 'größe 重み', 'größe 重み'],
    ['with line ends and colours of a terminal written out', 'a\nb\u001b[31m\u007f', 'a\\u{a}b\\u{1b}[31m\\u{7f}'],
    ['with marks that turn text round written out', 'a\u202eb\u2028', 'a\\u{202e}b\\u{2028}'],
    ['cut', 'n'.repeat(1000), `${'n'.repeat(120)}…`],
  ])('is shown %s', (_what, name, shown) => {
    expect(shownName(name)).toBe(shown);
  });

  it('that is half a character is shown as its number', () => {
    expect(shownName('a\ud800')).toBe('a\\u{d800}');
  });
});

describe('a value from a file', () => {
  it.each<[value: unknown, shown: string]>([
    ['a"b', '"a\\"b"'],
    [undefined, 'undefined'],
    [-0.5, '-0.5'],
    [2n ** 64n, '18446744073709551616'],
    [[1, [2, [3, [4]]]], '[1,[2,[3,…]]]'],
    [{ a: { b: null }, __proto__: { c: 1 } }, '{"a":{"b":null}}'],
    [Array(1000).fill(0), '[0,0,0,0,0,0,0,0,…]'],
  ])('%# is shown as JSON of one line', (value, shown) => {
    expect(shownValue(value)).toBe(shown);
  });

  it('however deep, long or broad is short', () => {
    let deep: unknown = [];
    for (let i = 0; i < 100_000; i++) deep = [deep];
    const broad = Object.fromEntries(Array.from({ length: 100 }, (_, i) => ['k'.repeat(500) + i, 'v'.repeat(500)]));
    for (const value of [deep, broad, 'x'.repeat(1e6)]) expect(shownValue(value).length).toBeLessThan(130);
  });
});
