import { expect, test } from 'vitest';

import { findWords } from '../../scripts/words.js';

const wordsIn = (file: string, text: string) => findWords(file, text).map(({ line, word }) => `${line}: ${word}`);

test('refused words are found with their line, also across a line break, and not in code', () => {
  expect(
    wordsIn('page.md', 'The command tells\nthe loss. A run goes\non. `anew` is [code](told.md). A process of its own.'),
  ).toEqual(['1: tells', '2: goes on', '3: of its own']);
});

test('right uses are left alone', () => {
  const right = [
    'Nobody can tell the two runs apart; the test cannot tell them apart.',
    'It is behind a proxy, and a flag goes on the command line.',
    'The file lacks a header. It reads one row at a time.',
    'It is the very first step. Each position uses the length of its own text.',
  ];
  expect(wordsIn('page.md', right.join('\n'))).toEqual([]);
});

test('in TypeScript, messages are read and names, comments and single words are not', () => {
  const source = [
    'const told = 1; // it tells',
    "log.info('the run begins anew');",
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the source to read
    'fail(`${tells.anew} rows alike: mend them`);',
    "const key = 'anew';",
  ].join('\n');
  expect(wordsIn('file.ts', source)).toEqual(['2: anew', '3: rows alike', '3: mend']);
});
