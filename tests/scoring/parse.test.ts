import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseReply } from '../../src/scoring/parse.js';
import { expectLinear } from '../helpers/growth.js';

const FIVE = { min: 1, max: 5, whole: true };
const PARTS = { min: 1, max: 5, whole: false };
const TEN = { min: 1, max: 10, whole: true };

/** Replies that can mean one thing only, and that. */
const CLEAR: readonly [reply: string, score: number][] = [
  ['4', 4],
  [' 4\n', 4],
  ['4.', 4],
  ['4.0', 4],
  ['4/5', 4],
  ['4 / 5.', 4],
  ['4 out of 5', 4],
  ['4 of 5 points', 4],
  ['4 stars', 4],
  ['４', 4],
  ['four', 4],
  ['Four.', 4],
  ['"4"', 4],
  ['**4**', 4],
  ['`4`', 4],
  ['[[4]]', 4],
  ['$\\boxed{4}$', 4],
  ['# 4', 4],
  ['Score: 4.', 4],
  ['score = 4', 4],
  ['**Score:** 4/5', 4],
  ['**Score: 4**', 4],
  ['Difficulty - 4', 4],
  ['Score (1-5): 4', 4],
  ['The difficulty score is 4.', 4],
  ['The final rating: four', 4],
  ['My answer is 4', 4],
  ["I'd give this a 4.", 4],
  ['This is a 4', 4],
  ['Score: 4 (hard)', 4],
  ['4 (expert knowledge is needed)', 4],
  ['4 - it calls for planning', 4],
  ['Score: 4, since it calls for planning', 4],
  ['I would rate this instruction a 4 out of 5.', 4],
  ['I rate the difficulty of this task as 4 because of its length.', 4],
  ['On a scale of 1 to 5 I would rate this instruction as a 4.', 4],
  ['The task has 3 steps and needs 2 lists.\n\nScore: 4', 4],
  ['Reasoning: multiply 3 by 7.\nFinal score: 4', 4],
  ['Score: 4\nReason: it multiplies 3 by 7.', 4],
  ['Score: 4\nIt calls for expert knowledge.', 4],
  ['It calls for planning.\n4', 4],
  ['4\n4', 4],
  ['Score: 4\nRating: 4/5', 4],
  ['{"score": 4}', 4],
  ['{"score": "4"}', 4],
  ['{"score": "4/5"}', 4],
  ['{"Score": 4}', 4],
  ['{"rating": 4}', 4],
  ['{"difficulty_score": 4.0}', 4],
  ['{"reason": "3 steps, 2 lists", "score": 4}', 4],
  ['```json\n{"score": 4}\n```', 4],
  ['Here it is: {"score": 4} - hope this helps!', 4],
  ['<think>Maybe 2, or 3? No.</think>4', 4],
  ['<think>\n{"score": 1}\n</think>\n\n{"score": 4}', 4],
  ['It could be 2 or 3 ...\n</think>\nScore: 4', 4],
];

/** Replies that may mean several things or nothing, and the reason that is told. */
const UNCLEAR: readonly [reply: string, reason: RegExp][] = [
  ['', /empty/],
  [' \n ', /empty/],
  ['<think>4</think>', /empty/],
  ['<think>it is a 4', /thinking/],
  ['between 3 and 4', /no certain|several/],
  ['3 or 4', /several/],
  ['3-4', /several/],
  ['3 to 4', /several/],
  ['3, 4', /several/],
  ['[3, 4]', /./],
  ['4, maybe 5', /several/],
  ['4 or so', /several/],
  ['~4', /no certain/],
  ['4+', /no certain|several/],
  ['4½', /several|no certain/],
  ['4th', /no certain/],
  ['4,5', /one number or two/],
  ['4.5', /not a whole number/],
  ['4.5.1', /several/],
  ['four and a half', /several/],
  ['0', /out of range/],
  ['6', /out of range/],
  ['-4', /out of range/],
  ['Score:-4', /out of range/],
  ['45', /out of range/],
  ['1e1', /several|no certain/],
  ['8/10', /out of 10/],
  ['4/10', /out of 10/],
  ['IV', /no score/],
  ['hard', /no score/],
  ['N/A', /no score/],
  ['not 4', /no certain/],
  ['Not a 4.', /no certain/],
  ['4 steps are needed', /no certain/],
  ['This one is a 4', /several/],
  ['1. Look at the task', /no certain/],
  ["I'm sorry, but I can't rate this.", /refused/],
  ['I cannot give this a 4.', /refused/],
  ['As an AI model I have 2 concerns', /refused/],
  ['To rate it, consider the 3 parts', /no certain/],
  ['Score: 4\nScore: 5', /several different scores: 4, 5/],
  ['3\n4', /several different/],
  ['Score: 4\nOn reflection, 5.', /may change/],
  ['Score: 4\nActually it is harder.', /may change/],
  ['Score: 4\nReason: a score of 5 is for experts', /may change/],
  ['I scored it before.\n4', /others before/],
  ['Score: 4 or 5', /several/],
  ['Score: 4 but 5 for novices', /several/],
  ['{"score": 6}', /out of range/],
  ['{"score": null}', /not a number/],
  ['{"score": true}', /not a number/],
  ['{"score": [4]}', /not a number/],
  ['{"score": "3 or 4"}', /several/],
  ['{"score": 4, "score": 5}', /twice/],
  ['{"score": 4, "rating": 4}', /several scores/],
  ['{"value": 4}', /no "score"/],
  ['{"score": 4', /broken JSON/],
  ['{"score": 3} {"score": 4}', /broken JSON/],
  ['Not 5 but {"score": 4}', /beside the JSON/],
  ['{}', /no "score"/],
  ['<html><body>502</body></html>', /no certain|no score/],
];

describe('a reply of a judge', () => {
  it.each(CLEAR)('%j is %d', (reply, score) => {
    expect(parseReply(reply, FIVE)).toMatchObject({ score });
  });

  it.each(UNCLEAR)('%j is refused', (reply, reason) => {
    expect(parseReply(reply, FIVE)).toEqual({ unclear: expect.stringMatching(reason) });
  });

  it.each([
    ['4.5', 4.5],
    ['Score: 4.5/5', 4.5],
    ['{"score": 4.25}', 4.25],
    ['3.5 out of 5', 3.5],
    ['4.50', 4.5],
    ['{"score": "3.5"}', 3.5],
  ])('%j is %d where decimals are allowed', (reply, score) => {
    expect(parseReply(reply, PARTS)).toEqual({ score });
  });

  it.each([
    ['10', 10],
    ['ten', 10],
    ['Score: 10/10', 10],
    ['7 out of 10', 7],
    ['{"score":10}', 10],
  ])('%j is %d of ten', (reply, score) => {
    expect(parseReply(reply, TEN)).toEqual({ score });
  });

  it.each(['4/5', '11', '100', '7/100'])('%j is none of ten', (reply) => {
    expect(parseReply(reply, TEN)).toHaveProperty('unclear');
  });

  it('keeps the reason that was asked for', () => {
    expect(parseReply('{"reason": " two steps ", "score": 2}', FIVE)).toEqual({ score: 2, reason: 'two steps' });
  });

  it('counts only whole JSON of a reply that was cut off, since "1" may be the beginning of "10"', () => {
    expect(parseReply('1', TEN, true)).toEqual({ unclear: expect.stringContaining('cut off') });
    expect(parseReply('{"score": 1', TEN, true)).toHaveProperty('unclear');
    expect(parseReply('{"score": 1}\n\nThis is', TEN, true)).toEqual({ score: 1 });
  });
});

describe('whatever a judge replies', () => {
  const pieces = fc.constantFrom(
    ...[
      '4',
      '5',
      '10',
      '-',
      '.',
      ',',
      '/',
      ' ',
      '\n',
      ':',
      'score',
      'Score: ',
      'four',
      'or',
      'between',
      'and',
      'out of',
      '{',
      '}',
    ],
    ...[
      '"score"',
      '{"score": 4}',
      '<think>',
      '</think>',
      '```',
      '**',
      'is',
      'a',
      'not',
      'rate this',
      'Reason',
      '[',
      ']',
      '(1-5)',
      '٤',
    ],
  );
  const replies = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(pieces, { maxLength: 12 }).map((parts) => parts.join('')),
    fc.array(pieces, { maxLength: 12 }).map((parts) => parts.join(' ')),
    fc.json(),
  );
  const scales = fc.constantFrom(FIVE, PARTS, TEN, { min: 0, max: 1, whole: false }, { min: 0, max: 100, whole: true });

  it('it never throws, and a score is on the scale', () => {
    fc.assert(
      fc.property(replies, scales, fc.boolean(), (reply, scale, cutOff) => {
        const parsed = parseReply(reply, scale, cutOff);
        if ('unclear' in parsed) expect(parsed.unclear).not.toBe('');
        else {
          expect(parsed.score).toBeGreaterThanOrEqual(scale.min);
          expect(parsed.score).toBeLessThanOrEqual(scale.max);
          if (scale.whole) expect(Number.isInteger(parsed.score)).toBe(true);
        }
      }),
      { numRuns: 3000, seed: 6 },
    );
  });

  it('two different scores in one reply are never one', () => {
    const score = fc.integer({ min: 1, max: 5 });
    const say = fc.constantFrom<(n: number) => string>(
      (n) => `${n}`,
      (n) => `Score: ${n}`,
      (n) => `{"score": ${n}}`,
      (n) => `I rate it a ${n}.`,
      (n) => `${n}/5`,
    );
    fc.assert(
      fc.property(score, score, say, say, fc.constantFrom('\n', ' ', ' or ', '\n\n', ', '), (a, b, one, two, gap) => {
        fc.pre(a !== b);
        expect(parseReply(one(a) + gap + two(b), FIVE)).toHaveProperty('unclear');
      }),
      { numRuns: 1000, seed: 6 },
    );
  });

  it.each([':', ' ', 'a ', 'score ', '- ', '((', '[[', '{', '<think>', '4 ', 'of ', "'"])(
    'a hundred thousand characters of %j are read once, not once for each of them',
    (unit) => expectLinear((size) => parseReply(unit.repeat(size / unit.length), FIVE), 99_000),
  );
});
