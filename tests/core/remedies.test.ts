import { expect, test } from 'vitest';
import { dataError } from '../../src/core/errors.js';
import { type Remedy, type Vocabulary, wordRemedies, wordText } from '../../src/core/remedies.js';

const FLAGS: Vocabulary = {
  option: (name, value) =>
    name === 'maxLength' || name === 'mode' ? `--${name}${value === undefined ? '' : ` ${value}`}` : undefined,
  task: (name) => `\`phasetune ${name}\``,
};

const REMEDIES: Remedy[] = [
  { option: 'maxLength', change: 'raise', note: 'to keep them' },
  { option: 'mode', change: 'set', value: 'eager' },
  { task: 'setup' },
  { advice: 'read fewer rows' },
];

test('a message says what went wrong and what helps, in the words of a program', () => {
  const error = dataError('rows.jsonl: 3 rows are too long', { remedies: REMEDIES });
  expect(error.problem).toBe('rows.jsonl: 3 rows are too long');
  expect(error.message).toBe(
    'rows.jsonl: 3 rows are too long; raise `maxLength` to keep them, or set `mode: eager`, or run `setup`, or read fewer rows',
  );
});

test('another interface words the same remedies in its own way', () => {
  expect(wordRemedies(REMEDIES, FLAGS)).toBe(
    'raise --maxLength to keep them, or set --mode eager, or run `phasetune setup`, or read fewer rows',
  );
});

test('what would change an option that an interface does not have is left out', () => {
  const words = wordRemedies([{ option: 'resume', change: 'set' }, ...REMEDIES.slice(0, 1)], FLAGS);
  expect(words).toBe('raise --maxLength to keep them');
});

test('names of options between backticks are translated, and nothing else is', () => {
  expect(wordText('`maxLength` and `mode: eager`, not `other` or maxLength', FLAGS)).toBe(
    '--maxLength and --mode eager, not `other` or maxLength',
  );
});
