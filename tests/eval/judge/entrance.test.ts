import { describe, expect, test } from 'vitest';
import { random } from '../../../src/core/random.js';
import {
  type EntranceResult,
  entranceOptionsSchema,
  planEntrance,
  runEntrance,
} from '../../../src/eval/judge/entrance.js';
import { entrancePairs } from '../../../src/eval/judge/entrance-pairs.js';
import { codePoints, lengthJudge } from '../../../src/eval/judge/length.js';
import { choiceOfLogOdds } from '../../../src/eval/judge/log-odds.js';
import type { PairJudge, PairOutcome, PairQuestion } from '../../../src/eval/judge/pair-judge.js';
import type { EvalRow } from '../../../src/eval/sets/eval-row.js';

const WORDS = 'river stone maple cloud engine letter orange window garden silver pepper candle'.split(' ');

/** Rows whose answers begin with their id, so that a judge can know what belongs where. */
const rowsOf = (n: number): EvalRow[] =>
  Array.from({ length: n }, (_, i) => {
    const { integer } = random(7, 'row', i);
    const words = Array.from({ length: 6 + integer(30) }, () => WORDS[integer(WORDS.length)]!);
    return {
      set: 'made-up',
      id: `${i}`,
      messages: [{ role: 'user', content: `Say something about number ${i}.` }],
      reference: `Number ${i}: ${words.join(' ')}.`,
    };
  });
const rows = rowsOf(400);
const references = new Map(rows.map((row) => [row.messages[0]!.content, row.reference!]));

type Opinion = (question: PairQuestion) => PairOutcome;

/** A judge that answers as `opinion` does, and remembers what it was asked. */
function judgeOf(opinion: Opinion, more: Partial<PairJudge> = {}) {
  const asked: PairQuestion[] = [];
  const judge: PairJudge = {
    name: 'made-up',
    kind: 'llm',
    about: {},
    ordered: true,
    async *judge(questions, signal) {
      for (const [index, question] of questions.entries()) {
        if (signal?.aborted) return;
        asked.push(question);
        yield { index, outcome: opinion(question) };
      }
    },
    async close() {},
    ...more,
  };
  return { judge, asked };
}

async function test200(judge: PairJudge, of: readonly EvalRow[] = rows, wanted = 200): Promise<EntranceResult> {
  const running = runEntrance(judge, of, { rows: wanted, seed: 0 });
  for (;;) {
    const step = await running.next();
    if (step.done) return step.value!;
  }
}

const isOwn = ({ messages }: PairQuestion, answer: string) => references.get(messages[0]!.content) === answer;
const knowing: Opinion = (question) => {
  const [first, second] = [isOwn(question, question.first), isOwn(question, question.second)];
  return { choice: first === second ? 'tie' : first ? 'first' : 'second' };
};

describe('its pairs', () => {
  const pairs = entrancePairs(rows, { rows: 200, seed: 0 });
  const ofCase = (kind: string) => pairs.filter((pair) => pair.case === kind);

  test('are two for each row, and one more for every fourth', () => {
    expect(['other', 'scrambled', 'equal'].map((kind) => ofCase(kind).length)).toEqual([200, 200, 50]);
    expect(new Set(ofCase('other').map(({ item }) => item)).size).toBe(200);
    const count = (ordered: boolean) =>
      planEntrance(rows, { rows: 200, seed: 0 }, { ordered, kind: 'llm' }).questions.length;
    expect([count(true), count(false)]).toEqual([850, 450]);
  });

  test('put against an answer another one of similar length, and never the same', () => {
    const differences = ofCase('other').map(({ own, against }) => Math.abs(codePoints(own) - codePoints(against)));
    expect(Math.max(...differences)).toBeLessThanOrEqual(5);
    expect(ofCase('other').every(({ own, against }) => own !== against)).toBe(true);
  });

  test('scramble words and keep them all', () => {
    for (const { own, against } of ofCase('scrambled')) {
      expect(against).not.toBe(own);
      expect(against.split(/\s+/).sort()).toEqual(own.split(/\s+/).sort());
      expect(codePoints(against)).toBe(codePoints(own));
    }
  });

  test('are the same by the same seed, and others by another', () => {
    expect(entrancePairs(rows, { rows: 200, seed: 0 })).toEqual(pairs);
    expect(entrancePairs(rows, { rows: 200, seed: 1 })).not.toEqual(pairs);
  });

  test('leave out rows without a reference, with few words, and with words that are all the same', () => {
    const row = (id: string, reference?: string): EvalRow => ({ set: 's', id, messages: rows[0]!.messages, reference });
    const other: EvalRow = { ...rows[1]!, id: 'other' };
    const short = [
      row('none'),
      row('empty', '  '),
      row('short', 'only four words here'),
      row('same', 'no no no no no no'),
    ];
    expect(entrancePairs([...short, other], { rows: 10, seed: 0 }).map(({ item }) => item)).not.toContain('s short');
    const items = entrancePairs([...short, row('good', 'one two three four five'), other], { rows: 10, seed: 0 });
    expect(new Set(items.map(({ item }) => item))).toEqual(new Set(['s good', 'made-up other']));
  });

  test('can be made of a script without spaces', () => {
    const texts = ['北京是中华人民共和国的首都和直辖市。', '长江是亚洲最长的河流和世界第三长的河流。'];
    const chinese = texts.map((reference, i) => ({
      set: 's',
      id: `${i}`,
      messages: [{ role: 'user' as const, content: `问题 ${i}` }],
      reference,
    }));
    const scrambled = entrancePairs(chinese, { rows: 2, seed: 0 }).filter((pair) => pair.case === 'scrambled');
    expect(scrambled).toHaveLength(2);
    for (const { own, against } of scrambled) expect([...against].sort()).toEqual([...own].sort());
  });
});

describe('judges that pass', () => {
  test('one that knows', async () => {
    const { judge, asked } = judgeOf(knowing);
    const result = await test200(judge);
    expect(result).toMatchObject({ state: 'passed', reasons: [], rows: 200, consistency: 1, position: 0 });
    expect(result.other).toMatchObject({ right: 1, pairs: 200, missing: 0 });
    // Wilson's lower bound of n of n: n / (n + 1.96²).
    expect(result.other.low).toBeCloseTo(200 / (200 + 1.959963984540054 ** 2), 12);
    expect(result.equal).toEqual({ pairs: 50, tied: 1, first: 0 });
    expect(asked).toHaveLength(850);
  });

  test('one whose log-odds favour a place as much as an answer: both orders together know', async () => {
    const odds: Opinion = (question) => {
      const own = Number(isOwn(question, question.first)) - Number(isOwn(question, question.second));
      const logOdds = 0.4 * own + 0.3;
      return { choice: choiceOfLogOdds(logOdds), logOdds, mass: 0.75 };
    };
    const result = await test200(judgeOf(odds).judge);
    expect(result).toMatchObject({ state: 'passed', consistency: 1, position: 0, mass: 0.75 });
    expect(result.equal).toEqual({ pairs: 50, tied: 0, first: 1 });
  });

  test('one that is right in 85 and 93 of 100 by a coin', async () => {
    const { uniform } = random(3, 'judge');
    const luck = new Map<string, boolean>();
    const opinion: Opinion = (question) => {
      const key = question.item + [question.first, question.second].sort().join();
      if (!luck.has(key)) luck.set(key, uniform() < (question.item.includes('scrambled') ? 0.95 : 0.87));
      const { choice } = knowing(question) as { choice: 'first' | 'second' };
      return { choice: luck.get(key) ? choice : choice === 'first' ? 'second' : 'first' };
    };
    expect(await test200(judgeOf(opinion).judge)).toMatchObject({ state: 'passed' });
  });
});

describe('judges that fail, each with its reasons', () => {
  const reasonsOf = async (opinion: Opinion, more?: Partial<PairJudge>) => {
    const { state, reasons } = await test200(judgeOf(opinion, more).judge);
    expect(state).toBe('failed');
    return reasons;
  };

  test('one that always says first', async () => {
    const reasons = await reasonsOf(() => ({ choice: 'first' }));
    expect(reasons).toEqual([
      "it finds a row's own answer better than another row's of similar length in 50.0 % of 200 pairs (95 % interval 43.1 % to 56.9 %); the lower bound must reach 75.0 %",
      'it finds an answer better than its own words in another order in 50.0 % of 200 pairs (95 % interval 43.1 % to 56.9 %); the lower bound must reach 85.0 %',
      'its two orders agree in 0.0 % of pairs; at least 50.0 % are needed',
    ]);
    expect(await test200(judgeOf(() => ({ choice: 'first' })).judge)).toMatchObject({ consistency: 0, position: 50 });
  });

  test('one that says tie to everything', async () => {
    expect(await reasonsOf(() => ({ choice: 'tie' }))).toHaveLength(2);
  });

  test('length', async () => {
    const result = await test200(lengthJudge());
    expect(result.state).toBe('failed');
    expect(result).toMatchObject({ consistency: null, position: null, scrambled: { right: 0.5 } });
  });

  test('one that knows but is a control', async () => {
    const reasons = await reasonsOf(knowing, { kind: 'likelihood', ordered: false });
    expect(reasons).toEqual([
      'likelihood is a control: it cannot see whether an answer is complete, or correct, so it gives no verdict',
    ]);
  });

  test('one whose orders agree in less than half of the pairs, though both together are right', async () => {
    const opinion: Opinion = (question) => {
      const own = Number(isOwn(question, question.first)) - Number(isOwn(question, question.second));
      const logOdds = 0.2 * own + 0.3;
      return { choice: choiceOfLogOdds(logOdds), logOdds };
    };
    expect(await reasonsOf(opinion)).toEqual(['its two orders agree in 0.0 % of pairs; at least 50.0 % are needed']);
  });

  test('one that has no verdict on a tenth of the pairs', async () => {
    let n = 0;
    const opinion: Opinion = (question) => (n++ % 20 === 0 ? { missing: 'refusal' } : knowing(question));
    const [reason, ...others] = await reasonsOf(opinion);
    expect(reason).toMatch(/^it gave no verdict on (39|40) of 400 pairs$/);
    expect(others).toEqual([]);
  });

  test('one that never answers', async () => {
    const [reason] = await reasonsOf(() => ({ missing: 'endpoint' }));
    expect(reason).toBe('it gave no verdict on 400 of 400 pairs');
  });
});

describe('few rows', () => {
  test('even a judge that knows cannot be distinguished from one that guesses', async () => {
    const { state, reasons } = await test200(judgeOf(knowing).judge, rowsOf(21));
    expect({ state, reasons }).toEqual({
      state: 'cannot tell',
      reasons: ['cannot tell: 21 rows, and at least 22 are needed'],
    });
    expect(await test200(judgeOf(knowing).judge, rowsOf(22))).toMatchObject({ state: 'passed', rows: 22, wanted: 200 });
  });

  test('a judge that might do with more rows has not failed', async () => {
    let n = 0;
    const opinion: Opinion = (question) => (n++ % 12 < 2 ? { choice: 'tie' } : knowing(question));
    const { state, reasons } = await test200(judgeOf(opinion, { ordered: false }).judge, rowsOf(40));
    expect(state).toBe('cannot tell');
    expect(reasons[0]).toBe('cannot tell: 40 rows of 200');
  });

  test('a judge that guesses has', async () => {
    expect(await test200(judgeOf(() => ({ choice: 'first' })).judge, rowsOf(40))).toMatchObject({ state: 'failed' });
  });

  test('none at all', async () => {
    expect(await test200(judgeOf(knowing).judge, [])).toMatchObject({
      state: 'cannot tell',
      reasons: ['cannot tell: 0 rows, and at least 22 are needed'],
    });
  });
});

test('a test that is stopped has no result', async () => {
  const stop = new AbortController();
  const running = runEntrance(judgeOf(knowing).judge, rows, { rows: 50, seed: 0 }, stop.signal);
  let done = 0;
  for (;;) {
    const step = await running.next();
    if (step.done) {
      expect(step.value).toBeUndefined();
      break;
    }
    done = step.value.done;
    if (done === 10) stop.abort();
  }
  expect(done).toBe(10);
});

test('it is on, with 200 rows', () => {
  expect(entranceOptionsSchema.parse({})).toEqual({ entrance: true, entranceRows: 200 });
});
