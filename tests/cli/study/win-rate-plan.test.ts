import { expect, test } from 'vitest';
import { winRatePlanLines } from '../../../src/cli/study/win-rate-plan.js';
import type { WinRatePlan } from '../../../src/study/win-rate-plan.js';

const PLAN: WinRatePlan = {
  evaluations: 1,
  sets: [
    { name: 'koala', rows: 180, chosen: 180 },
    { name: 'vicuna', rows: 80, chosen: 80 },
  ],
  rows: 260,
  answers: 4160,
  pairs: 2080,
  judge: 'letters',
  questions: 4160,
  entrance: 0,
};

test('answers, pairs and questions', () => {
  expect(winRatePlanLines(PLAN)).toEqual([
    'win rates: 4,160 answers to 260 instructions of koala, vicuna',
    '2,080 pairs for the judge letters: at most 4,160 questions',
  ]);
  expect(winRatePlanLines({ ...PLAN, evaluations: 3, entrance: 900 })).toEqual([
    'win rates: 4,160 answers to 260 instructions of koala, vicuna in 3 evaluations',
    '2,080 pairs for the judge letters: at most 4,160 questions, and 900 of the entrance test',
  ]);
});

test('what an LLM costs', () => {
  const estimate = {
    known: 0,
    requests: 4160,
    promptTokens: 2_500_000,
    replyTokens: 2_000_000,
    cost: 2,
    likelyCost: 0.75,
    atLeastSeconds: 0,
  };
  const address = { baseUrl: 'https://judge.example.org/v1', model: 'my-judge', local: false };
  const price = { input: 0.15, output: 0.6 };
  const lines = winRatePlanLines({ ...PLAN, judge: 'llm', asking: { estimate, address, price } as never });
  expect(lines.slice(2)).toEqual([
    '4,160 requests to my-judge at judge.example.org, about 2.50 million tokens',
    'about $0.75; at most $2.00, if every reply is as long as `maxTokens` allows and none is asked for again',
  ]);
});
