import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { checkAnswer } from '../../../src/eval/checks/checks.js';

/** Written by hand: 40 texts that repeat themselves to the end, and 40 that do not, many of them nearly. */
const { looping, sound } = JSON.parse(readFileSync('tests/fixtures/eval/loops.json', 'utf8')) as Record<
  string,
  string[]
>;

/** Tokens like those of a small vocabulary: pieces of words of up to four letters, each digit and mark by itself. */
function tokensOf(text: string): number[] {
  const numbers = new Map<string, number>();
  return [...text.matchAll(/\s?\p{L}{1,4}|\p{N}|\s+|./gsu)].map(([piece]) => {
    if (!numbers.has(piece)) numbers.set(piece, numbers.size);
    return numbers.get(piece)!;
  });
}

const loops = (output: string) => [
  checkAnswer({ instruction: 'x', output }).loop,
  checkAnswer({ instruction: 'x', output, ids: tokensOf(output) }).loop,
];

describe('a loop', () => {
  test('there are 40 texts of each kind', () => {
    expect([new Set(looping).size, new Set(sound).size]).toEqual([40, 40]);
  });

  test.each(looping!.map((text) => [text]))('%j', (text) => {
    expect(loops(text)).toEqual([true, true]);
  });

  test.each(sound!.map((text) => [text]))('is not %j', (text) => {
    expect(loops(text)).toEqual([false, false]);
  });

  test('of 64 tokens is found, and one of 65 is not; a begun repetition at its end changes nothing', () => {
    const unit = (n: number) => Array.from({ length: n }, (_, i) => i);
    const before = Array.from({ length: 300 }, (_, i) => 1000 + i);
    const ids = (n: number, times: number, more = 0) => [
      ...before,
      ...Array.from({ length: times }, () => unit(n)).flat(),
      ...unit(n).slice(0, more),
    ];
    const loop = (list: number[]) => checkAnswer({ instruction: 'x', output: 'sound', ids: list }).loop;
    expect([loop(ids(64, 3)), loop(ids(64, 2, 63)), loop(ids(64, 3, 40)), loop(ids(65, 3))]).toEqual([
      true,
      false,
      true,
      false,
    ]);
    expect([loop(ids(1, 23)), loop(ids(1, 24)), loop(ids(4, 2, 3)), loop(ids(4, 3))]).toEqual([
      false,
      true,
      false,
      true,
    ]);
  });

  test('in 400,000 characters is looked for without delay', () => {
    expect(checkAnswer({ instruction: 'x', output: `a${'\n'.repeat(200_000)}b` }).loop).toBe(false);
    expect(checkAnswer({ instruction: 'x', output: 'word '.repeat(80_000) }).loop).toBe(true);
  });
});
