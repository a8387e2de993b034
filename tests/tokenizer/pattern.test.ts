import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { text as streamText } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { type Random, random } from '../../src/core/random.js';
import { backtracks } from '../../src/tokenizer/pattern.js';
import { TINY } from '../helpers/tokens.js';

/** Shapes that the tokenizers of published models have. */
const KNOWN = [
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
  "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}]*[\\p{Ll}\\p{Lm}]+(?i:'s|'t|'re)?|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
  '[!"#$\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*|\\s+',
  '[^\\r\\n\\p{L}\\p{N}]?+\\p{L}++|\\p{N}{1,3}+| ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*+|\\s++$|\\s*[\\r\\n]|\\s+(?!\\S)|\\s',
  '(?=(\\d{3})+(?!\\d))',
  ' ?[^(\\s|[.,!?])]+',
  '[[:alpha:]&&[^a]]+',
  '\\x{1F600}+|\\u0041',
  ' {2,}',
];

test.each(KNOWN)('%s is taken', (pattern) => {
  expect(backtracks(pattern)).toBeUndefined();
});

test.each([
  '(?:a+)+$',
  '^(?:a|aa)+$',
  '(a*)*c',
  '(?:a|b)*c',
  '(?:x+x+)+y',
  '(?:a?){50}b',
  'a{2,5}+x',
  'a*a*b',
  'a*b*c*d',
  '(?:a{1,200}){2}b',
  '[[:alpha:]&&[^a]]+x+y',
  '(?=a*a*b)c',
  '(?<n>a+)+\\b',
  'x|(?i:(?:a|b)+)y',
])('%s is refused', (pattern) => {
  expect(backtracks(pattern)).toMatch(/before something that can fail$/);
});

/** A pattern of a few characters. */
function draw(rng: Random, depth = 2): string {
  const one = <T>(items: readonly T[]): T => items[rng.integer(items.length)]!;
  const atom = () =>
    depth > 0 && rng.integer(3) === 0
      ? one(['(?:X)', '(X)', '(?=X)', '(?!X)', '(?>X)', '(?i:X)']).replace('X', () => draw(rng, depth - 1))
      : one(['a', 'b', '[ab]', '[^b]', '\\w', '.', '$', '\\b', 'x']);
  const parts = Array.from(
    { length: 1 + rng.integer(4) },
    () => atom() + one(['', '', '*', '+', '?', '{1,3}', '{2,}', '++', '*?']),
  );
  return parts.join('') + (rng.integer(4) === 0 ? `|${draw(rng, depth - 1)}` : '');
}

describe('what is taken is matched by the library', () => {
  const json = JSON.parse(readFileSync(join(TINY, 'tokenizer.json'), 'utf8')) as unknown;

  /** The exit code of a process that encodes the texts with the patterns, and the pattern that it was at. */
  async function match(patterns: readonly string[], texts: readonly string[]) {
    const child = spawn(process.execPath, [fileURLToPath(new URL('match-patterns.mjs', import.meta.url))], {
      stdio: ['pipe', 'ignore', 'pipe'],
    });
    child.stdin.end(JSON.stringify({ json, patterns, texts }));
    const [said, [code]] = await Promise.all([streamText(child.stderr), once(child, 'exit')]);
    const at = said.split('\n').findLast((line) => patterns.includes(line));
    return code === 0 ? 'matched' : `ended at ${at}`;
  }

  test('drawn patterns, on texts that let them backtrack most', async () => {
    const rng = random(1, 'patterns');
    const drawn = Array.from({ length: 600 }, () => draw(rng));
    const taken = drawn.filter((pattern) => backtracks(pattern) === undefined);
    expect(taken.length).toBeGreaterThan(200);
    const texts = [
      'a'.repeat(3000),
      `${'a'.repeat(3000)}b`,
      'ab'.repeat(1500),
      `${'ba'.repeat(1500)}!`,
      'x'.repeat(3000),
    ];
    expect(await match(taken, texts)).toBe('matched');
  });

  test('known shapes, on the longest text', async () => {
    const longest = [' '.repeat(4_194_303), 'a'.repeat(4_194_303)];
    expect(await match(KNOWN.slice(0, 2), [longest[0]!])).toBe('matched');
    expect(await match(KNOWN.slice(0, 1), [longest[1]!.slice(0, 1_000_000)])).toBe('matched');
  });

  test('and a pattern that is refused ends the process', async () => {
    expect(await match(['^(?:a|aa)+$'], [`${'a'.repeat(60)}b`])).toBe('ended at ^(?:a|aa)+$');
  });
});
