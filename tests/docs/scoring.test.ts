import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readStaged } from '../../src/curriculum/manifest.js';
import { readScoresManifest } from '../../src/scoring/scored.js';
import { type Asked, type Endpoint, startEndpoint } from '../helpers/endpoint-server.js';
import { type Guide, openGuide } from '../helpers/guide.js';
import { ROOT } from '../helpers/program.js';

const ROWS = 60;

/** A row of Alpaca, of three kinds by turns. */
function alpacaRow(i: number): { instruction: string; input: string; output: string } {
  const numbers = Array.from({ length: 3 + (i % 5) }, (_, k) => (i * 13 + k * 29) % 97);
  if (i % 3 === 0) return { instruction: `What is ${i + 7} plus ${i * 2}?`, input: '', output: `${i * 3 + 7}` };
  if (i % 3 === 1)
    return {
      instruction: 'Sort these numbers.',
      input: numbers.join(', '),
      output: numbers.toSorted((x, y) => x - y).join(', '),
    };
  return {
    instruction: `Explain how ${i * 8} sweets are shared out to ${i + 2} children.`,
    input: '',
    output: `Each child gets ${Math.floor((i * 8) / (i + 2))} sweets, and ${(i * 8) % (i + 2)} are left over.`,
  };
}

/** The judge: any row in its own way, by halves where the rubric allows them. */
const judged = ({ body }: Asked) => {
  const asked = body.messages.at(-1).content as string;
  const row = /\{"instruction".*\}/.exec(asked)![0];
  const score = 1 + ([...row].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) % 9) / 2;
  const whole = asked.includes('How many steps');
  return { text: JSON.stringify({ reason: 'so it seems', score: whole ? Math.round(score) : score }) };
};

/** A spreadsheet program in the hands of a rater. */
const FILL_IN = `
const { readFileSync, writeFileSync } = require('node:fs');
const rated = readFileSync('sheet.csv', 'utf8').replace(/,\\r?\\n(?=\\w{12},|$)/g, (end, at) => end.replace(',', ',' + (1 + (at % 5))));
writeFileSync('sheet.csv', rated);
`;

let guide: Guide;
let server: Endpoint;
const at = (...path: string[]) => guide.at(...path);

beforeAll(async () => {
  guide = await openGuide('scoring.md');
  await mkdir(at('datasets/raw'), { recursive: true });
  await writeFile(at('datasets/raw/alpaca.json'), JSON.stringify(Array.from({ length: ROWS }, (_, i) => alpacaRow(i))));
  await writeFile(at('fill-in.cjs'), FILL_IN);
  server = await startEndpoint({ say: judged });
});
afterAll(async () => {
  await server.close();
  await guide.close();
});

test('every command of docs/scoring.md does what the page says, in the page’s order', async () => {
  const address = 'http://localhost:8000/v1';
  expect(guide.blocks.join('')).toContain(`export OPENAI_BASE_URL=${address}`);
  const steps = guide.blocks.map((block) => block.replace(address, server.baseUrl));
  const script = steps.flatMap((step) => (step.includes('score sample') ? [step, 'node fill-in.cjs\n'] : [step]));
  const { code, said } = await guide.shell(script.join(''));
  expect(code, said).toBe(0);
  // Once for each row, of the judge, of the own rubric, and three times for the repeats; the run
  // given twice asked nothing.
  expect(server.requests).toHaveLength(5 * ROWS);
  expect(said).toContain(`${ROWS} of ${ROWS} replies are already in the ledger`);
  for (const name of ['judge', 'steps', 'repeated', 'ifd', 'length'])
    expect(await readScoresManifest(at(`datasets/scored/${name}.jsonl`)), name).toMatchObject({
      counts: { rows: ROWS, scored: ROWS },
    });
  for (const name of ['mine', 'paper', 'breaks', 'even', 'fair']) {
    const { stages, holdout } = await readStaged(at('datasets/staged', name));
    expect(
      stages.map(({ rows }) => rows.length).reduce((x, y) => x + y, holdout.length),
      name,
    ).toBe(ROWS);
  }
  expect((await readScoresManifest(at('datasets/scored/people.jsonl')))!.counts.scored).toBe(20);
  expect(await readFile(at('agreement.md'), 'utf8')).toContain('judge and ifd');
  expect(said).toMatch(/judge and people/);
});

test('the files that docs/scoring.md lists are there', async () => {
  const page = await readFile(join(ROOT, 'docs/scoring.md'), 'utf8');
  const listed = page.slice(page.indexOf('## The files')).matchAll(/^\| (`.*?`) \|/gm);
  const names = [...listed].flatMap(([, cell]) => [...cell!.matchAll(/`([^`]+)`/g)].map(([, name]) => name!));
  expect(names.length).toBeGreaterThan(6);
  for (const name of names) expect(existsSync(at(name)), name).toBe(true);
  for (const name of ['stage-1.jsonl', 'holdout.jsonl', 'manifest.json', 'histogram.svg'])
    expect(existsSync(at('datasets/staged/mine', name)), name).toBe(true);
});
