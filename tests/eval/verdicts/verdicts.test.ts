import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import type { PairOutcome, PairQuestion } from '../../../src/eval/judge/pair-judge.js';
import type { SetAnswers } from '../../../src/eval/verdicts/pair-types.js';
import { pairAnswers } from '../../../src/eval/verdicts/pairs.js';
import { type AskedHow, planVerdicts, verdictsOf } from '../../../src/eval/verdicts/questions.js';
import { repeatability } from '../../../src/eval/verdicts/repeatability.js';
import type { Verdict } from '../../../src/eval/verdicts/verdict.js';
import { readVerdicts, replaceVerdicts } from '../../../src/eval/verdicts/verdict-file.js';
import { temporaryFolder } from '../../helpers/folder.js';

const answers = (arm: string, outputs: Readonly<Record<string, string>>, run = 1, set = 'koala'): SetAnswers => ({
  file: `answers/${arm}/${set}.jsonl`,
  arm,
  run,
  set,
  rows: Object.entries(outputs).map(([id, output]) => ({
    id,
    messages: [{ role: 'user', content: `Do ${id}` }],
    output,
  })),
});
const both: AskedHow = { orders: 'both', repeats: 1 };
const ordered = { ordered: true };

/** A judge by a function of both texts. */
const judge = (
  questions: readonly PairQuestion[],
  say: (question: PairQuestion) => PairOutcome | undefined,
): (PairOutcome | undefined)[] => questions.map(say);
const longer = ({ first, second }: PairQuestion): PairOutcome => ({
  choice: first.length === second.length ? 'tie' : first.length > second.length ? 'first' : 'second',
});

describe('pairs of answers', () => {
  it('are each arm with the baseline, which comes first, or each with each', () => {
    const three = ['b', 'a', 'c'].map((arm) => answers(arm, { 1: arm }));
    const names = (which: 'baseline' | 'all', baseline: string) =>
      pairAnswers(three, baseline, which).pairs.map(({ baseline, arm }) => `${baseline}-${arm}`);
    expect(names('baseline', 'a')).toEqual(['a-b', 'a-c']);
    expect(names('all', 'a')).toEqual(['a-b', 'a-c', 'b-c']);
  });

  it('pair run k with run k, or with the only run, and name runs that have no counterpart', () => {
    const runs = (arm: string, count: number) =>
      Array.from({ length: count }, (_, i) => answers(arm, { 1: `${arm}${i + 1}` }, i + 1));
    const outputs = (ours: number, theirs: number) => {
      const { pairs, unpaired } = pairAnswers([...runs('a', ours), ...runs('b', theirs)], 'a', 'baseline');
      return [...pairs.map(({ answers: { baseline, arm } }) => `${baseline}-${arm}`), ...unpaired];
    };
    expect(outputs(1, 2)).toEqual(['a1-b1', 'a1-b2']);
    expect(outputs(2, 1)).toEqual(['a1-b1', 'a2-b1']);
    expect(outputs(2, 3)).toEqual(['a1-b1', 'a2-b2', 'b, run 3']);
  });

  it('arms answered other rows: refused with the ids', () => {
    const some = [answers('a', { 1: 'x', 2: 'y' }), answers('b', { 2: 'y', 3: 'z' })];
    expect(() => pairAnswers(some, 'a', 'baseline')).toThrow(/b answered rows of koala that a did not answer: 3/);
    const other = answers('b', { 1: 'x' });
    const twisted = { ...other, rows: [{ ...other.rows[0]!, messages: [{ role: 'user' as const, content: 'Else' }] }] };
    expect(() => pairAnswers([answers('a', { 1: 'x' }), twisted], 'a', 'baseline')).toThrow(
      /row 1 .*another instruction/,
    );
  });
});

describe('verdicts', () => {
  it('equal answers (trimmed): tie, unasked; both empty: tie, unasked; one empty: asked like any', () => {
    const { pairs } = pairAnswers(
      [answers('a', { 1: 'x', 2: ' ', 3: '', 4: 'p' }), answers('b', { 1: ' x\n', 2: '', 3: 'q', 4: 'q' })],
      'a',
      'baseline',
    );
    const plan = planVerdicts(pairs, ordered, both);
    expect(plan.questions).toHaveLength(4);
    const verdicts = verdictsOf(plan, judge(plan.questions, longer), { name: 'j' });
    expect(verdicts.map(({ state, x, orders }) => [state, x, orders.length])).toEqual([
      ['equal', 0.5, 0],
      ['both-empty', 0.5, 0],
      ['judged', 1, 2],
      ['judged', 0.5, 2],
    ]);
  });

  it('one order of a pair fails: the pair is missing, the other reply stays', () => {
    const { pairs } = pairAnswers([answers('a', { 1: 'x' }), answers('b', { 1: 'longer' })], 'a', 'baseline');
    const plan = planVerdicts(pairs, ordered, both);
    const said = judge(plan.questions, (question) =>
      question.first === 'x' ? { missing: 'endpoint', message: 'server: overloaded' } : longer(question),
    );
    expect(verdictsOf(plan, said, { name: 'j' })[0]).toMatchObject({
      state: 'missing',
      x: null,
      reason: 'endpoint',
      orders: [
        { first: 'baseline', better: null, missing: 'endpoint', why: 'server: overloaded' },
        { first: 'arm', better: 'arm' },
      ],
    });
    expect(verdictsOf(plan, [said[1], undefined], { name: 'j' })[0]).toMatchObject({ reason: 'not-asked' });
  });

  it('are missing where an answer is', () => {
    const { pairs } = pairAnswers([answers('a', { 1: 'x', 2: 'y' }), answers('b', { 2: 'z' })], 'a', 'baseline');
    const plan = planVerdicts(pairs, ordered, both);
    expect(plan.questions).toHaveLength(2);
    expect(verdictsOf(plan, judge(plan.questions, longer), { name: 'j' })[0]).toMatchObject({
      state: 'missing',
      reason: 'no-answer',
      x: null,
    });
  });

  it('take the mean of probabilities where there are log-odds, or what the judge makes of them', () => {
    const { pairs } = pairAnswers([answers('a', { 1: 'x' }), answers('b', { 1: 'y' })], 'a', 'baseline');
    const plan = planVerdicts(pairs, ordered, both);
    // The judge prefers the first by 1 nat, and y by 0.5.
    const said = judge(plan.questions, ({ first }) => ({ choice: 'first', logOdds: 1 + (first === 'y' ? 0.5 : -0.5) }));
    const sigmoid = (z: number) => 1 / (1 + Math.exp(-z));
    const x = (given: object) => verdictsOf(plan, said, { name: 'j', ...given })[0]!.x;
    expect(x({})).toBeCloseTo((sigmoid(1.5) + sigmoid(-0.5)) / 2, 12);
    expect(x({ combine: (logOdds: readonly number[]) => sigmoid((logOdds[0]! + logOdds[1]!) / 2) })).toBeCloseTo(
      sigmoid(0.5),
      12,
    );
  });

  it('leave out a repeat that has one order only, and show how well the judge repeats itself', () => {
    const { pairs } = pairAnswers([answers('a', { 1: 'x' }), answers('b', { 1: 'y' })], 'a', 'baseline');
    const plan = planVerdicts(pairs, ordered, { orders: 'both', repeats: 3 });
    expect(plan.questions.map(({ repeat = 0 }) => repeat)).toEqual([0, 0, 1, 1, 2, 2]);
    const [first, second] = [{ choice: 'first' }, { choice: 'second' }] as const;
    const verdicts = verdictsOf(plan, [first, first, first, undefined, first, second], { name: 'j' });
    // Whole are the first time (1/2) and the third (x twice).
    expect(verdicts[0]).toMatchObject({ state: 'judged', x: 0.25 });
    expect(verdicts[0]!.orders.map(({ repeat }) => repeat)).toEqual([1, 1, 2, 2, 3, 3]);
    // The baseline first: three times the same. The arm first: once this, once that.
    expect(repeatability(verdicts)).toEqual({ agreement: 0.5, questions: 2 });
  });

  it('are mirrored, with the same questions, where the arms change places', () => {
    const outputs = [
      { 1: 'one', 2: 'three', 3: 'four' },
      { 1: 'seven', 2: 'two', 3: 'five' },
    ] as const;
    const asked = (baseline: 0 | 1, orders: 'both' | 'drawn') => {
      const sides = [answers('a', outputs[baseline]), answers('b', outputs[1 - baseline]!)];
      const plan = planVerdicts(pairAnswers(sides, 'a', 'baseline').pairs, ordered, { orders, repeats: 1 });
      const verdicts = verdictsOf(plan, judge(plan.questions, longer), { name: 'j' });
      return { texts: plan.questions.map(({ first, second }) => `${first}/${second}`).sort(), verdicts };
    };
    for (const orders of ['both', 'drawn'] as const) {
      const [one, other] = [asked(0, orders), asked(1, orders)];
      expect(one.texts).toEqual(other.texts);
      expect(one.verdicts.map(({ x }) => x)).toEqual(other.verdicts.map(({ x }) => 1 - x!));
    }
    expect(asked(0, 'drawn').texts).toHaveLength(3);
  });

  it('draw either side first about equally often', () => {
    const outputs = (text: string) =>
      Object.fromEntries(Array.from({ length: 400 }, (_, i) => [`r${i}`, `${text} ${i}`]));
    const { pairs } = pairAnswers([answers('a', outputs('left')), answers('b', outputs('right'))], 'a', 'baseline');
    const { orders } = planVerdicts(pairs, ordered, { orders: 'drawn', repeats: 1 });
    const share = orders.filter(({ first }) => first === 'arm').length / 400;
    // Six standard deviations of a fair coin.
    expect(Math.abs(share - 0.5)).toBeLessThan(6 * Math.sqrt(0.25 / 400));
  });
});

describe('verdicts.jsonl', () => {
  let file: string;
  beforeEach(() => {
    file = join(temporaryFolder('verdicts'), 'verdicts.jsonl');
  });
  const line = (judge: string, id: string, x = 0.5): Verdict => ({
    judge,
    set: 's',
    id,
    baseline: 'a',
    arm: 'b',
    run: 1,
    baselineRun: 1,
    state: 'judged',
    x,
    orders: [{ first: 'baseline', better: 'tie' }],
  });

  it('keeps the lines of other judges, and is the same in whatever order judges come', async () => {
    await replaceVerdicts(file, 'm', [line('m', '2'), line('m', '1')]);
    await replaceVerdicts(file, 'length', [line('length', '1')]);
    const bytes = readFileSync(file, 'utf8');
    expect((await readVerdicts(file)).map(({ judge, id }) => judge + id)).toEqual(['length1', 'm2', 'm1']);
    await replaceVerdicts(file, 'm', [line('m', '1', 1)]);
    expect((await readVerdicts(file)).map(({ judge, id, x }) => [judge + id, x])).toEqual([
      ['length1', 0.5],
      ['m1', 1],
    ]);
    await replaceVerdicts(file, 'm', [line('m', '2'), line('m', '1')]);
    await replaceVerdicts(file, 'length', [line('length', '1')]);
    expect(readFileSync(file, 'utf8')).toBe(bytes);
  });

  it.each<[string, object, RegExp]>([
    ['a score beyond 1', { x: 1.5 }, /line 2: field x/],
    ['a judged pair without a score', { x: null }, /line 2: field x: expected null for a missing pair/],
    ['an unknown state', { state: 'won' }, /line 2: field state/],
    ['a missing pair without a reason', { state: 'missing', x: null }, /line 2: field reason/],
    ['no arm', { arm: undefined }, /line 2: field arm/],
    ['the same pair again', { id: '1' }, /line 2: j judged this pair in line 1 already/],
  ])('names the line of %s', async (_, change, message) => {
    const lines = [line('j', '1'), { ...line('j', '2'), ...change }];
    writeFileSync(file, lines.map((one) => `${JSON.stringify(one)}\n`).join(''));
    await expect(readVerdicts(file)).rejects.toMatchObject({ code: 'data', fields: { file, line: 2 } });
    await expect(readVerdicts(file)).rejects.toThrow(message);
  });
});
