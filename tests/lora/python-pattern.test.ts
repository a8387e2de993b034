import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { pythonPattern } from '../../src/lora/python-pattern.js';

const { names, patterns } = JSON.parse(readFileSync('tests/fixtures/patterns.json', 'utf8')) as {
  names: string[];
  patterns: [pattern: string, matches: number[] | null][];
};

const found = (pattern: string): number[] | null => {
  try {
    const whole = pythonPattern(pattern);
    return names.flatMap((name, i) => (whole.test(name) ? [i] : []));
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
};

test('a pattern matches the names that it matches in Python, or is refused', () => {
  let same = 0;
  for (const [pattern, matches] of patterns) {
    const ours = found(pattern);
    if (ours === null) continue;
    expect(ours, pattern).toEqual(matches);
    same++;
  }
  expect(same).toBeGreaterThan(0.9 * patterns.filter(([, matches]) => matches !== null).length);
});

test.each(['(?i).*Q_PROJ', '.*\\.up\\_proj', '(?P<a>model)\\..*', '.*{|lm_head', '[]x]|.*q_proj', '\\Alm_head\\Z'])(
  'what people write in Python is read: %s',
  (pattern) => {
    expect(found(pattern)).not.toBeNull();
  },
);

test.each([
  ['(?x) q', 'the flag x'],
  ['a*+', 'the possessive *+'],
  ['(?>a)', '(?>a)'],
  ['(?i:a)', '(?i:a'],
  ['\\N{DIGIT ONE}', '\\N'],
  ['[a', 'not closed'],
  ['a\\', 'backslash'],
])('what JavaScript has not is refused by name: %s', (pattern, what) => {
  expect(() => pythonPattern(pattern)).toThrow(what);
});
