import { describe, expect, it } from 'vitest';
import { andMore, show, shownName, showSome } from '../../src/core/shown.js';

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
    [undefined, 'nothing'],
    [-0.5, '-0.5'],
    [2n ** 64n, '18446744073709551616'],
    [[1, [2, [3, [4]]]], '[1,[2,[3,…]]]'],
    [{ a: { b: null }, __proto__: { c: 1 } }, '{"a":{"b":null}}'],
    [{ a: 1, b: 2, c: 3, d: 4, e: 5 }, '{"a":1,"b":2,"c":3,"d":4,…}'],
    ['x'.repeat(200), `"${'x'.repeat(79)}…`],
    [Array(1000).fill(0), '[0,0,0,0,0,0,0,0,…]'],
  ])('%# is shown as JSON of one line', (value, shown) => {
    expect(show(value)).toBe(shown);
  });

  it('however deep, long or broad is short', () => {
    let deep: unknown = [];
    for (let i = 0; i < 100_000; i++) deep = [deep];
    const broad = Object.fromEntries(Array.from({ length: 100 }, (_, i) => ['k'.repeat(500) + i, 'v'.repeat(500)]));
    for (const value of [deep, broad, 'x'.repeat(1e6)]) expect(show(value).length).toBeLessThan(82);
  });
});

describe('a list in a message', () => {
  it('names the first items and counts the others', () => {
    expect(showSome(['a', 'b', 'c'], 3)).toBe('a, b, c');
    expect(showSome(['a', 'b', 'c', 'd', 'e'], 2)).toBe('a, b and 3 more');
    expect(showSome([], 2)).toBe('');
    expect(`x${andMore(0)}${andMore(-1)}`).toBe('x');
  });
});
