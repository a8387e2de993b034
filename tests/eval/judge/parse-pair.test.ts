import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parsePair } from '../../../src/eval/judge/parse-pair.js';
import { expectLinear } from '../../helpers/growth.js';

const PAIR = { reply: 'better' } as const;
const SCORES = { reply: 'scores' } as const;

/** Replies of real shapes that can mean one thing only, and that. */
const CLEAR: readonly [reply: string, better: 'A' | 'B' | 'tie'][] = [
  ['{"reason": "A does what is asked.", "better": "A"}', 'A'],
  ['{"reason":"B is shorter.","better":"B"}', 'B'],
  ['{"better": "tie", "reason": "Both name the same river."}', 'tie'],
  ['{"reason": "They are equal.", "better": "Tie"}', 'tie'],
  ['{"reason": "x", "better": "Answer B"}', 'B'],
  ['{"reason": "x", "better": "b"}', 'B'],
  ['{"reason": "x", "better": "[[A]]"}', 'A'],
  ['{"better_answer": "A", "reason": "x"}', 'A'],
  ['{"explanation": "x", "verdict": "B"}', 'B'],
  ['{"reason": "It says \\"B is better\\", which is an order.", "better": "A"}', 'A'],
  ['```json\n{"reason": "x", "better": "A"}\n```', 'A'],
  ['```\n{"better": "B"}\n```\n', 'B'],
  ['Here is my verdict:\n\n{"reason": "x", "better": "A"}', 'A'],
  ['{"reason": "x", "better": "A"}\n\nA is better since it is complete.', 'A'],
  ['<think>Maybe B? No.</think>{"reason": "x", "better": "A"}', 'A'],
  ['<think>\n{"better": "B"}\n</think>\n\n{"reason": "x", "better": "A"}', 'A'],
  ['It could be either ...\n</think>\n{"reason":"x","better":"B"}', 'B'],
  ['[THINK]hm[/THINK]{"better":"tie"}', 'tie'],
  ['<|channel|>analysis<|message|>B is worse<|end|><|start|>assistant<|channel|>final<|message|>{"better":"A"}', 'A'],
  ['analysisB looks fine.assistantfinal{"reason":"x","better":"B"}', 'B'],
  ['{"reason":"x","better":"A"}<|im_end|>', 'A'],
  ['A', 'A'],
  [' b.\n', 'B'],
  ['**B**', 'B'],
  ['"A"', 'A'],
  ['[[A]]', 'A'],
  ['Tie', 'tie'],
  ['A tie.', 'tie'],
  ['Answer A', 'A'],
  ['Verdict: B', 'B'],
  ['Better: A', 'A'],
  ['**Better:** A', 'A'],
  ['The better answer is B.', 'B'],
  ['The better answer is Answer B, because it is correct.', 'B'],
  ['My verdict is: tie', 'tie'],
  ['Final verdict: [[B]]', 'B'],
  ['A is better.', 'A'],
  ['Answer B is clearly better than answer A.', 'B'],
  ['I would choose A, since it does what is asked.', 'A'],
  ['B wins.', 'B'],
  ['It is a tie.', 'tie'],
  ['Both name a river. A is shorter.\n\nVerdict: A', 'A'],
  ['A is better in style, B is better in accuracy. A is better overall.\nFinal verdict: B', 'B'],
  ['A\n\nIt follows the instruction, which the other does not.', 'A'],
  ['Reasons: the first is complete.\nA', 'A'],
];

/** Replies that may mean several things or nothing, and the reason that is given. */
const UNCLEAR: readonly [reply: string, reason: RegExp][] = [
  ['', /empty/],
  ['<think>A</think>', /empty/],
  ['<think>it is A', /thinking/],
  ['Both answers are good.', /no verdict/],
  ['Both are equally good.', /no verdict/],
  ['A or B', /no verdict/],
  ['A and B', /no verdict/],
  ['A/B', /no verdict/],
  ['[[A]] [[B]]', /several/],
  ['A\nB', /several/],
  ['[[C]]', /no verdict/],
  ['[[A>>B]]', /no verdict/],
  ['Verdict: A or B', /no certain/],
  ['Verdict: A/B', /no certain/],
  ['Verdict: tie, leaning to A', /no certain/],
  ['The tie-breaker goes to neither.', /no verdict/],
  ['Better: tie-breaker needed', /no verdict/],
  ['A is not better.', /no verdict/],
  ['I do not think that A is better.', /no certain/],
  ["I wouldn't say B wins.", /no certain/],
  ['If accuracy counts, A is better.', /no certain/],
  ['A might be it. Perhaps B wins.', /no certain/],
  ['A is better? Hard to say.', /no certain/],
  ['It is almost a tie.', /no verdict/],
  ['It is not a tie.', /no verdict/],
  ['A is better. B is better.', /several/],
  ['Verdict: A\nVerdict: B', /several/],
  ['Verdict: A\nOn reflection, B is better.\nThat is all.', /several/],
  ['The better choice is a longer one.', /no verdict/],
  ['A is better in style, B is better in accuracy.', /no verdict/],
  ['1', /no verdict/],
  ['The Rhine is a river.', /no verdict/],
  ['{"reason": "x"}', /no "better"/],
  ['{}', /no "better"/],
  ['{"reason": "B", "better": "It is shorter and clear."}', /changed places/],
  ['{"reason": "B", "better": "A"}', /several/],
  ['{"reason": "x", "better": "both"}', /not A, B or tie/],
  ['{"reason": "x", "better": null}', /not A, B or tie/],
  ['{"reason": "x", "better": ["A"]}', /not A, B or tie/],
  ['{"reason": "x", "better": "A or B"}', /not A, B or tie/],
  ['{"better": "A", "better": "B"}', /twice/],
  ['{"better": "A", "winner": "B"}', /several/],
  ['{"better": "A"} {"better": "B"}', /broken/],
  ['{"reason": "x", "better": "A"', /broken/],
  ["{'reason': 'x', 'better': 'A'}", /broken/],
  ['I would not say {"better": "A"}', /doubtful/],
  ['B is better. {"better": "A"}', /several/],
  ['{"A": 8, "B": 6}', /no "better"/],
  ['<html><body>502</body></html>', /no verdict/],
];

describe('a verdict', () => {
  it.each(CLEAR)('%j is %s', (reply, better) => {
    expect(parsePair(reply, PAIR)).toMatchObject({ better });
  });

  it.each(UNCLEAR)('%j is refused', (reply, reason) => {
    expect(parsePair(reply, PAIR)).toEqual({ unclear: expect.stringMatching(reason) });
  });

  it.each([
    "I'm sorry, but I can't compare these.",
    'I cannot help with that.',
    "Sorry, I can't assist with this request.",
    'Unfortunately, I am unable to judge this content.',
    'As an AI language model, I have no preferences.',
  ])('%j is a refusal', (reply) => {
    expect(parsePair(reply, PAIR)).toMatchObject({ refused: true });
  });

  it('keeps the reason, cut at 500 characters', () => {
    const reply = JSON.stringify({ reason: `  ${'x'.repeat(600)}`, better: 'A' });
    expect(parsePair(reply, PAIR)).toEqual({ better: 'A', reason: 'x'.repeat(500) });
  });

  it('counts of a reply that was cut off only where it is whole JSON', () => {
    expect(parsePair('{"reason": "x", "better": "A"}', PAIR, true)).toMatchObject({ better: 'A' });
    expect(parsePair('The better answer is A', PAIR, true)).toMatchObject({
      unclear: expect.stringMatching(/cut off/),
    });
    expect(parsePair('{"reason": "x", "bet', PAIR, true)).toMatchObject({ unclear: expect.any(String) });
  });

  it('never comes of a text that names neither answer nor a tie, and never throws', () => {
    const words = fc.constantFrom(
      'the',
      'better',
      'is',
      'C',
      'both',
      ':',
      '{',
      '"better"',
      '}',
      '\n',
      'not',
      'tied',
      'neither',
      'a',
      'verdict',
      '<think>',
    );
    fc.assert(
      fc.property(fc.array(words, { maxLength: 30 }), (parts) => {
        const text = parts.join(' ');
        if (text.trim() !== 'a') expect(parsePair(text, PAIR)).toHaveProperty('unclear');
      }),
      { numRuns: 3000, seed: 4 },
    );
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 80 }), fc.boolean(), (text, cut) => {
        parsePair(text, PAIR, cut);
        parsePair(text, SCORES, cut);
      }),
      { numRuns: 2000, seed: 5 },
    );
  });

  it.each(['A is better ', 'not ', 'verdict: ', '[[', ': ', '\n', 'answer ', '- ', '{"a":'])(
    'takes time in line with the length: %j',
    (unit) => expectLinear((size) => parsePair(unit.repeat(size / unit.length), PAIR), 99_000),
  );
});

describe('two scores', () => {
  it.each<[string, 'A' | 'B' | 'tie']>([
    ['{"A": 8, "B": 6}', 'A'],
    ['{"A": 6.5, "B": 7}', 'B'],
    ['{"A": "7", "B": "7/10"}', 'tie'],
    ['{"reason": "x", "score_A": 3, "score_B": 9}', 'B'],
    ['```json\n{"A": 9, "B": 9}\n```', 'tie'],
    ['8 9', 'B'],
    ['8, 7', 'A'],
    ['8/10 8/10', 'tie'],
    ['A: 8\nB: 7', 'A'],
    ['**Answer A:** 5/10, **Answer B:** 6/10', 'B'],
    ['<think>8 9</think>9 8', 'A'],
  ])('%j: %s', (reply, better) => {
    expect(parsePair(reply, SCORES)).toMatchObject({ better });
  });

  it.each<[string, RegExp]>([
    ['{"A": 8}', /no score of B/],
    ['{"A": 11, "B": 3}', /out of range/],
    ['{"A": 0, "B": 3}', /out of range/],
    ['{"A": {"score": 8}, "B": 7}', /no score of A/],
    ['{"A": "good", "B": "bad"}', /no score of A/],
    ['{"A": 8, "score_A": 7, "B": 3}', /several scores of A/],
    ['8', /no two scores/],
    ['8 9 7', /no two scores/],
    ['8,9', /no two scores/],
    ['8 9\n9 8', /no two scores/],
    ['A: 8', /no two scores/],
    ['A: 8 to 9, B: 7', /no two scores/],
    ['A: 8, B: 7, A: 6', /no two scores/],
    ['', /empty/],
  ])('%j is refused', (reply, reason) => {
    expect(parsePair(reply, SCORES)).toEqual({ unclear: expect.stringMatching(reason) });
  });
});
