import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readStaged } from '../../src/curriculum/manifest.js';
import { readScoresManifest } from '../../src/scoring/scored.js';
import { type Asked, type Endpoint, startEndpoint } from '../helpers/endpoint-server.js';
import { PROGRAM, ROOT } from '../helpers/program.js';

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

/** The page's blocks of commands, as printed. */
const blocksOf = (page: string) => [...page.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block]) => block!);

/** A spreadsheet program in the hands of a rater. */
const FILL_IN = `
const { readFileSync, writeFileSync } = require('node:fs');
const rated = readFileSync('sheet.csv', 'utf8').replace(/,\\r?\\n(?=\\w{12},|$)/g, (end, at) => end.replace(',', ',' + (1 + (at % 5))));
writeFileSync('sheet.csv', rated);
`;

let folder: string;
let server: Endpoint;
let blocks: string[];
const at = (...path: string[]) => join(folder, ...path);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'phasetune-guide-'));
  await mkdir(at('datasets/raw'), { recursive: true });
  await mkdir(at('bin'));
  await symlink(join(ROOT, 'models'), at('models'));
  await writeFile(at('datasets/raw/alpaca.json'), JSON.stringify(Array.from({ length: ROWS }, (_, i) => alpacaRow(i))));
  await writeFile(at('fill-in.cjs'), FILL_IN);
  const program = [process.execPath, ...PROGRAM].map((word) => `'${word}'`).join(' ');
  await writeFile(at('bin/npx'), `#!/bin/sh\n[ "$1" = phasetune ] || exit 127\nshift\nexec ${program} "$@"\n`, {
    mode: 0o755,
  });
  blocks = blocksOf(await readFile(join(ROOT, 'docs/scoring.md'), 'utf8'));
  server = await startEndpoint({ say: judged });
});
afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true });
});

/** Runs the script in the folder, as a user's shell would. */
async function shell(script: string): Promise<{ code: number | null; said: string }> {
  const { PATH, HOME, PHASETUNE_HOME = '' } = process.env;
  const env = { PATH: `${at('bin')}:${PATH}`, HOME, ...(PHASETUNE_HOME && { PHASETUNE_HOME }) };
  const child = spawn('sh', ['-exc', script], { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (said += text));
  const [code] = await once(child, 'close');
  return { code, said };
}

test('every command of docs/scoring.md does what the page says, in the page’s order', async () => {
  const address = 'http://localhost:8000/v1';
  expect(blocks.join('')).toContain(`export OPENAI_BASE_URL=${address}`);
  const steps = blocks.map((block) => block.replace(address, server.baseUrl));
  const script = steps.flatMap((step) => (step.includes('score sample') ? [step, 'node fill-in.cjs\n'] : [step]));
  const { code, said } = await shell(script.join(''));
  expect(code, said).toBe(0);
  // Once for each row, of the judge, of the own rubric, and three times for the repeats; the run given twice asked nothing.
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
