import { expect, test } from 'vitest';
import { checkAnswer } from '../../../src/eval/checks/checks.js';
import { checkRates } from '../../../src/eval/checks/rates.js';
import { checkBlocks } from '../../../src/eval/result/report-checks.js';
import type { EvaluationResult } from '../../../src/eval/result/result.js';
import { markdown } from '../../../src/telemetry/document.js';

const meta = {
  instruction_id_list: ['punctuation:no_comma', 'startend:quotation', 'language:response_language'],
  kwargs: [{}, {}, { language: 'en' }],
};
const two = { instruction_id_list: ['punctuation:no_comma', 'startend:quotation'], kwargs: [{}, {}] };

test('rates count what answers have, of those that could', () => {
  const answers = [
    checkAnswer({ instruction: 'a', output: '', reference: 'x' }),
    checkAnswer({ instruction: 'a', output: 'x', reference: 'x', finish: 'length' }),
    checkAnswer({ instruction: 'a', output: 'X!', reference: 'x' }),
    checkAnswer({ instruction: 'a', output: 'I cannot help with that.' }),
  ];
  const rates = checkRates(answers);
  expect(rates.empty).toMatchObject({ count: 1, of: 4, share: 0.25 });
  expect(rates.cut).toMatchObject({ count: 1, of: 4 });
  expect(rates.refusal).toMatchObject({ count: 1, of: 4 });
  expect(rates.loop).toMatchObject({ count: 0, share: 0, low: 0 });
  expect(rates.exactMatch).toMatchObject({ count: 1, of: 3 });
  expect(rates.normalizedMatch).toMatchObject({ count: 2, of: 3 });
  expect(rates.jsonMatch).toBeUndefined();
  expect(rates.constraints).toBeUndefined();
  // The exact interval of 1 of 4: the ends at which 1 or more, or 1 or fewer, have a probability of 2.5 %.
  expect(1 - (1 - rates.empty.low) ** 4).toBeCloseTo(0.025, 9);
  const high = rates.empty.high;
  expect((1 - high) ** 4 + 4 * high * (1 - high) ** 3).toBeCloseTo(0.025, 9);
});

test('constraints are counted by row and one by one; what is not checked counts for neither', () => {
  const said = ['"no"', 'no', 'a, b', '"a, b"'].map((output) => checkAnswer({ instruction: 'a', output, meta }));
  const { constraints } = checkRates(said);
  // Of the first row only the language is not known, so it is left out; the others miss one.
  expect(constraints!.promptStrict).toMatchObject({ count: 0, of: 3 });
  expect(constraints!.instructionStrict).toMatchObject({ count: 4, of: 8 });
  expect(constraints!.unchecked).toEqual({ 'language:response_language': 4 });
  const all = ['"no"', '*"no"*', 'a, b'].map((output) => checkAnswer({ instruction: 'a', output, meta: two }));
  expect(checkRates(all).constraints).toMatchObject({
    promptStrict: { count: 1, of: 3 },
    promptLoose: { count: 2, of: 3 },
    instructionStrict: { count: 3, of: 6 },
    instructionLoose: { count: 4, of: 6 },
    unchecked: {},
  });
});

test('without answers nothing is known', () => {
  expect(checkRates([]).empty).toEqual({ count: 0, of: 0, share: null, low: 0, high: 1 });
});

test('the report shows counts with the interval of their share, and constraints with what is not checked', () => {
  const answers = ['"no"', '', 'a, b', 'no'].map((output) => checkAnswer({ instruction: 'a', output, meta }));
  const counts = { answers: 4, empty: 1, cut: 0, refusal: 0, loop: 0, copy: 0, otherScript: 0, length: null };
  const figures = { phased: { ...counts, rates: checkRates(answers) } };
  const text = markdown(checkBlocks({ answers: figures } as unknown as EvaluationResult));
  expect(text).toContain('| phased | 4 | 1 (0.6 to 80.6 %) | 0 | 0 | 0 | 0 | 0 | - |');
  expect(text).toMatch(/\| phased \| 0\.0 \\\[0\.0, 70\.8\\\] of 3 \|/);
  expect(text).toContain('Not checked, and so in no share: language:response_language (4).');
});
