import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { CONSTRAINTS } from '../../../src/eval/checks/constraint-checks.js';
import { checkConstraints, meetsAll } from '../../../src/eval/checks/constraints.js';

interface Check {
  readonly name: string;
  readonly kwargs: Readonly<Record<string, unknown>>;
  readonly strict: boolean;
  readonly loose: boolean;
  /** Strict and loose, where the checker of lm-evaluation-harness looks at another paragraph than it counts. */
  readonly repaired?: readonly [boolean, boolean];
}

/** By scripts/reference/ifeval.py. */
const { texts, faults } = JSON.parse(
  gunzipSync(readFileSync('tests/fixtures/eval/ifeval.json.gz')).toString('utf8'),
) as {
  readonly texts: readonly { readonly text: string; readonly checks: readonly Check[] }[];
  readonly faults: readonly {
    readonly name: string;
    readonly kwargs: Readonly<Record<string, unknown>>;
    readonly text: string;
    readonly theirs: readonly string[];
  }[];
};

const check = (name: string, kwargs: unknown, text: string) =>
  checkConstraints({ instruction_id_list: [name], kwargs: [kwargs] }, text)![0]!;

describe("IFEval's checks", () => {
  test('say of 1,000 texts what those of lm-evaluation-harness say', () => {
    expect(texts.length).toBe(1000);
    const different = texts.flatMap(({ text, checks }) => {
      const found = checkConstraints(
        { instruction_id_list: checks.map(({ name }) => name), kwargs: checks.map(({ kwargs }) => kwargs) },
        text,
      )!;
      return checks.flatMap(({ name, kwargs, strict, loose, repaired = [strict, loose] }, i) =>
        found[i]!.strict === repaired[0] && found[i]!.loose === repaired[1]
          ? []
          : [{ name, kwargs, text, theirs: [strict, loose], ours: [found[i]!.strict, found[i]!.loose] }],
      );
    });
    expect(different).toEqual([]);
  });

  test('are the 20, each of which the texts meet and miss', () => {
    const names = Object.keys(CONSTRAINTS);
    expect(names.length).toBe(20);
    for (const name of names) {
      const said = texts.flatMap(({ checks }) =>
        checks.filter((each) => each.name === name).map((each) => each.strict),
      );
      expect(said.filter(Boolean).length, name).toBeGreaterThanOrEqual(10);
      expect(said.filter((met) => !met).length, name).toBeGreaterThanOrEqual(10);
    }
  });

  test('say the same twice', () => {
    for (const { text, checks } of texts.slice(0, 200))
      for (const { name, kwargs } of checks) expect(check(name, kwargs, text)).toEqual(check(name, kwargs, text));
  });

  test.each([
    ['no such word', 'keywords:frequency', false],
    ['one [a] and [b]', 'detectable_content:number_placeholders', true],
    ['* a\n* b', 'detectable_format:number_bullet_lists', false],
    ['#e #e #e #e, see?', 'keywords:letter_frequency', true],
    ['hey! hey! hey!', 'keywords:letter_frequency', false],
    ['word '.repeat(300), 'length_constraints:number_words', null],
    ['I write C++ every day.', 'keywords:existence', true],
    ['axb', 'keywords:existence', false],
    ['f(x) = x', 'keywords:existence', true],
    ['I write C# every day.', 'keywords:forbidden_words', false],
    ['popos. no postscript', 'detectable_content:postscript', false],
    ['[NaN]', 'detectable_format:json_format', false],
    ['First one.\n\n\n\nSecond one.', 'length_constraints:nth_paragraph_first_word', true],
  ] as const)('theirs are wrong or random about %j (%s), ours says %s', (text, name, ours) => {
    const fault = faults.find((each) => each.text === text && each.name === name)!;
    expect(check(name, fault.kwargs, text).strict).toBe(ours);
    // Theirs gives another result, or different ones in 40 tries; the plus signs of C++ happen to find the right word.
    if (text !== 'I write C++ every day.' && text !== 'no such word') expect(fault.theirs).not.toEqual([String(ours)]);
  });

  test('leave out what needs a language detector or a sentence splitter, and what is not known', () => {
    const names = [
      'language:response_language',
      'change_case:english_capital',
      'change_case:english_lowercase',
      'length_constraints:number_sentences',
      'change_case:capital_word_frequency',
      'toString',
      'keywords:no_such_check',
    ];
    const found = checkConstraints({ instruction_id_list: names, kwargs: names.map(() => ({})) }, 'HELLO')!;
    expect(found).toEqual(names.map((name) => ({ name, strict: null, loose: null })));
  });

  test('take kwargs with nulls, as the copy of the set at Hugging Face has them', () => {
    const nulls = { keyword: null, num_words: 2, relation: 'at least', letter: null };
    expect(check('length_constraints:number_words', nulls, 'two words').strict).toBe(true);
    expect(check('length_constraints:number_words', nulls, 'one').strict).toBe(false);
  });

  test.each([
    [undefined],
    [{}],
    [{ instruction_id_list: [] }],
    [{ instruction_id_list: [3] }],
    [{ instruction_id_list: 'punctuation:no_comma' }],
    [{ kwargs: [{}] }],
  ])('are absent for %j', (meta) => {
    expect(checkConstraints(meta, 'text')).toBeUndefined();
  });

  test('of a row are met together only if each is, and are unknown if an unchecked one decides', () => {
    const all = (...met: (boolean | null)[]) =>
      meetsAll(
        met.map((strict) => ({ name: 'x', strict, loose: strict })),
        'strict',
      );
    expect(all(true, true)).toBe(true);
    expect(all(true, false, null)).toBe(false);
    expect(all(true, null)).toBeNull();
  });

  test('of an empty text are missed, and a loose check takes off a first line, a last line and asterisks', () => {
    expect(check('punctuation:no_comma', {}, ' \n')).toEqual({
      name: 'punctuation:no_comma',
      strict: false,
      loose: false,
    });
    const loosely = ['Sure, here:\nNo commas', 'No commas\nBye, now', '**"quoted"**'];
    expect(check('punctuation:no_comma', {}, loosely[0]!)).toMatchObject({ strict: false, loose: true });
    expect(check('punctuation:no_comma', {}, loosely[1]!)).toMatchObject({ strict: false, loose: true });
    expect(check('startend:quotation', {}, loosely[2]!)).toMatchObject({ strict: false, loose: true });
  });
});
