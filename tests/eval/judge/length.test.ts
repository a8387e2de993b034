import { expect, test } from 'vitest';
import { lengthJudge } from '../../../src/eval/judge/length.js';
import { judgeAll, question } from '../../helpers/judge.js';

test('the longer answer in code points is better, equally long ones are equal', async () => {
  const judge = lengthJudge();
  const outcomes = await judgeAll(judge, [
    question('Q', 'four', 'three'),
    question('Q', 'three', 'four'),
    question('Q', '', ''),
    // Five code points in ten UTF-16 units, and in more bytes.
    question('Q', '😀😀😀😀😀', 'sixsix'),
    question('Q', 'e\u0301', 'é'),
    question('Q', 'a b', 'b a'),
  ]);
  expect(outcomes.map((outcome) => outcome && 'choice' in outcome && outcome.choice)).toEqual([
    'second',
    'first',
    'tie',
    'second',
    'first',
    'tie',
  ]);
  expect(outcomes[3]).toEqual({ choice: 'second', why: '5 characters against 6' });
  expect(judge.ordered).toBe(false);
});

test('it stops when asked to', async () => {
  const outcomes = await judgeAll(lengthJudge(), Array(5).fill(question('Q', 'a', 'b')), 2);
  expect(outcomes.filter((outcome) => outcome !== undefined)).toHaveLength(2);
});
