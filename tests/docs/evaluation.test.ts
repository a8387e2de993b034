import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Asked, type Endpoint, startEndpoint } from '../helpers/endpoint-server.js';
import { type Guide, openGuide } from '../helpers/guide.js';
import { ROOT } from '../helpers/program.js';

let guide: Guide;
let server: Endpoint;
const at = (...path: string[]) => guide.at(...path);

/** The set's own answers, once there are any. */
const references = new Map<string, string>();

/**
 * A judge that knows the set's own answers: it takes that one, otherwise the answer that
 * shares more words with it, otherwise the shorter one.
 */
async function judged({ body }: Asked): Promise<{ text: string }> {
  if (references.size === 0)
    for (const line of (await readFile(at('checkpoints/demo/data/holdout.jsonl'), 'utf8')).trim().split('\n')) {
      const { messages } = JSON.parse(line);
      references.set(messages[0].content, messages[1].content.trim());
    }
  const asked = body.messages.at(-1).content as string;
  const { instruction, A, B } = JSON.parse(/^\{"instruction".*\}$/m.exec(asked)![0]);
  const reference = references.get(instruction) ?? '';
  const words = reference.split(' ');
  const score = (answer: string) => {
    if (answer.trim() === reference) return 2;
    const own = answer.split(' ');
    return words.filter((word, i) => own[i] === word).length / Math.max(words.length, own.length);
  };
  const [a, b] = [score(A), score(B)];
  return { text: JSON.stringify({ reason: 'so it seems', better: preferred(a - b || B.length - A.length) }) };
}

const preferred = (balance: number) => (balance === 0 ? 'tie' : balance > 0 ? 'A' : 'B');

/** People who write something into the column `better` of each row. */
const FILL_IN = `
const ours = (name) => require(require.resolve(name, { paths: [${JSON.stringify(ROOT)}] }));
const { parse } = ours('csv-parse/sync');
const { stringify } = ours('csv-stringify/sync');
const { readFileSync, writeFileSync } = require('node:fs');
const [head, ...rows] = parse(readFileSync('sheet.csv', 'utf8'), { bom: true });
const place = head.indexOf('better');
if (place < 0) throw new Error('no column better in ' + head);
rows.forEach((row, i) => { row[place] = ['A', 'tie', 'B'][i % 3]; });
writeFileSync('sheet.csv', stringify([head, ...rows]));
`;

beforeAll(async () => {
  guide = await openGuide('evaluation.md');
  await writeFile(at('fill-in.cjs'), FILL_IN);
  server = await startEndpoint({ script: judged });
});
afterAll(async () => {
  await server.close();
  await guide.close();
});

test('every command of docs/evaluation.md does what the page says, in the page’s order', async () => {
  const address = 'http://localhost:8000/v1';
  expect(guide.blocks.join('')).toContain(`export OPENAI_BASE_URL=${address}`);
  const steps = guide.blocks.map((block) => block.replace(address, server.baseUrl));
  const script = steps.flatMap((step) => (step.includes('eval sample') ? [step, 'node fill-in.cjs\n'] : [step]));
  const { code, said } = await guide.shell(script.join(''));
  expect(code, said).toBe(0);
  const result = async (name: string) => JSON.parse(await readFile(at('evals', name, 'result.json'), 'utf8'));
  const local = await result('local');
  expect(local.arms.phased).toMatchObject({ rows: 72, missing: 0, verdict: 'exploratory' });
  const withJudge = await result('judged');
  expect(Object.keys(withJudge.arms)).toEqual(['phased', 'base']);
  expect(withJudge.judge).toMatchObject({ name: 'my-judge', problems: [] });
  expect(['better', 'worse', 'not distinguishable']).toContain(withJudge.arms.phased.verdict);
  expect(withJudge.people).toBeDefined();
  expect(withJudge.diagnosis.phased).toBeDefined();
  // Judged step by step it is the same evaluation.
  const steps3 = await result('steps');
  expect(steps3.arms.phased.winRate).toBe(withJudge.arms.phased.winRate);
  // What came in of AlpacaEval goes out as it was.
  const theirs = await result('theirs');
  expect(theirs.arms.phased).toMatchObject({
    winRate: withJudge.arms.phased.winRate,
    wins: withJudge.arms.phased.wins,
    n: withJudge.arms.phased.n,
  });
});

test('the files that docs/evaluation.md lists are there', async () => {
  for (const name of [
    'eval.json',
    'answers/phased/data.jsonl',
    'answers/phased/model_outputs.json',
    'answers.ledger.jsonl',
    'judge.ledger.jsonl',
    'losses/phased/run-1/stage-1/data.jsonl',
    'verdicts.jsonl',
    'result.json',
    'report.md',
    'pictures/win-rates.svg',
    'annotations.json',
    'leaderboard.csv',
  ])
    expect(existsSync(at('evals/judged', name)), name).toBe(true);
});
