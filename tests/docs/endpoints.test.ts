import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

import { ROOT } from '../helpers/program.js';

const page = readFileSync(`${ROOT}docs/endpoints.md`, 'utf8');
const answers: { server: string; tried: string }[] = readFileSync(
  `${ROOT}tests/fixtures/endpoint-answers.jsonl`,
  'utf8',
)
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line));

const rowOf = (server: string) => page.split('\n').filter((line) => line.startsWith(`| ${server} |`));

test('docs/endpoints.md has every answer that is tried, in the row of its server', () => {
  const missing = answers.filter(({ server, tried }) => !rowOf(server).some((row) => row.includes(tried)));
  expect(missing).toEqual([]);
});
