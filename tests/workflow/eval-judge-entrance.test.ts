import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { evalPaths, readEvalFile } from '../../src/eval/eval-file.js';
import { checkJudge } from '../../src/workflow/check-judge.js';
import { planJudgingAnswers } from '../../src/workflow/eval-judge.js';
import { judgingSetup } from '../helpers/eval-judging.js';
import { pairIn, verdict } from '../helpers/evaluation.js';

const at = judgingSetup();
const ROWS = 24;
const WORDS = 'river stone maple cloud engine letter orange window garden silver pepper candle'.split(' ');
const reference = (i: number): string =>
  `Answer ${i}: ${Array.from({ length: 5 + (i % 9) }, (_, k) => WORDS[(i * 7 + k * 5) % WORDS.length]).join(' ')}`;

/** An evaluation whose set has answers of its own, and a judge that knows them. */
function withReferences(): void {
  at.twoArms();
  const lines = Array.from({ length: ROWS }, (_, i) => {
    const messages = [
      { role: 'user', content: `Question ${i}?` },
      { role: 'assistant', content: reference(i) },
    ];
    return JSON.stringify({ id: `${i}`, messages });
  });
  writeFileSync(join(at.dir, 'koala.jsonl'), `${lines.join('\n')}\n`);
  at.does = (asked) => {
    const { instruction, A, B } = pairIn(asked);
    const own = reference(Number(/\d+/.exec(instruction)?.[0]));
    return verdict(A === B ? 'tie' : A === own ? 'A' : B === own ? 'B' : A.length > B.length ? 'A' : 'B');
  };
}

/** Both orders of two pairs a row, and one question for every fourth. */
const QUESTIONS = 4 * ROWS + ROWS / 4;

test('the judge takes the entrance test in the same run, and is asked once; its controls take none', async () => {
  withReferences();
  const plan = await planJudgingAnswers(at.options());
  expect(plan).toMatchObject({
    questions: 12,
    entrance: QUESTIONS,
    asking: { estimate: { requests: QUESTIONS + 12 } },
  });
  const { judges } = await at.judged();
  expect(at.server.total()).toBe(QUESTIONS + 12);
  const [llm, length] = judges;
  expect(llm).toMatchObject({ judged: 6, entrance: { state: 'passed', rows: ROWS, consistency: 1 } });
  expect(length).toMatchObject({ judge: 'length', judged: 6 });
  expect(length!.entrance).toBeUndefined();
  const file = await readEvalFile(at.dir);
  expect(file.judges.judge!.entrance).toEqual(llm!.entrance);
  await at.judged();
  expect(at.server.total()).toBe(QUESTIONS + 12);
});

test('a judge that does not know fails, and its verdicts are written all the same', async () => {
  withReferences();
  at.does = () => verdict('A');
  const { judges } = await at.judged();
  expect(judges[0]).toMatchObject({ judged: 6, entrance: { state: 'failed', consistency: 0, position: 50 } });
});

test('no test where it is not wanted, or there is nothing to make it of; an earlier result stays', async () => {
  withReferences();
  const { judges } = await at.judged({ entrance: false });
  expect(judges[0]!.entrance).toBeUndefined();
  expect(at.server.total()).toBe(12);
  const tested = await at.judged({ entranceRows: 22 });
  expect(tested.judges[0]!.entrance).toMatchObject({ state: 'passed', rows: 22 });
  await at.judged({ entrance: false });
  expect((await readEvalFile(at.dir)).judges.judge!.entrance).toMatchObject({ state: 'passed', rows: 22 });
});

test('a judge at an endpoint is tested alone, and judging then asks only about the pairs', async () => {
  withReferences();
  const options = { judge: 'llm' as const, baseUrl: at.server.baseUrl, model: 'judge', retryWait: 0.01 };
  const { entrance, kind, written } = await checkJudge({ sources: [at.dir], ...options }).result;
  expect({ kind, written, state: entrance.state }).toEqual({ kind: 'llm', written: undefined, state: 'passed' });
  expect(at.server.total()).toBe(QUESTIONS);
  const { judges } = await at.judged();
  expect(at.server.total()).toBe(QUESTIONS + 12);
  expect(judges[0]!.entrance).toEqual(entrance);
  const again = await checkJudge({ sources: [at.dir], ...options }).result;
  expect(again).toMatchObject({ entrance, written: evalPaths(at.dir).evalFile });
  expect(at.server.total()).toBe(QUESTIONS + 12);
});
