import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { evalPaths, readEvalFile } from '../../src/eval/eval-file.js';
import type { JudgeAnswersOptions } from '../../src/workflow/eval-judge-options.js';
import { PASSING_FAULTS } from '../helpers/endpoint-faults.js';
import type { Behaviour } from '../helpers/endpoint-server.js';
import { judgingSetup, outputs } from '../helpers/eval-judging.js';
import { pairIn, sayLonger, writeEvaluation } from '../helpers/evaluation.js';

const at = judgingSetup();

describe('failure handling of judging', () => {
  it('one order of a pair fails: the pair is missing, the other reply stays, and the next run asks the one', async () => {
    at.twoArms(3);
    at.does = (asked) => (pairIn(asked).A === 'bbb 0' ? '400' : sayLonger(asked));
    const { judges } = await at.judged();
    expect(judges[0]).toMatchObject({ judged: 2, missing: 1, missingBy: { phased: { 'too-long': 1 } } });
    const [first] = await at.verdictsOf();
    expect(first).toMatchObject({ state: 'missing', x: null, reason: 'too-long' });
    expect(first!.orders.map(({ better }) => better !== null)).toEqual([false, true]);
    at.does = sayLonger;
    await at.judged();
    expect(at.server.total()).toBe(7);
    expect((await at.verdictsOf())[0]).toMatchObject({ state: 'judged' });
  });

  it.each([
    ['no verdict', 'Both have their merits.'],
    ['two verdicts', '[[A]] or rather [[B]]'],
    ['reason and verdict swapped', '{"reason": "A", "better": "It is shorter."}'],
  ])('a reply with %s: asked again once with the form repeated, then missing `unreadable`', async (_, text) => {
    at.twoArms(2);
    const times = new Map<string, number>();
    at.does = (asked) => {
      const { A, B } = pairIn(asked);
      const pair = `${A}/${B}`;
      times.set(pair, (times.get(pair) ?? 0) + 1);
      return A === 'bbb 0' || (A === 'bbbb 1' && times.get(pair) === 1) ? { text } : sayLonger(asked);
    };
    const { judges } = await at.judged();
    expect(judges[0]).toMatchObject({ judged: 1, missing: 1, missingBy: { phased: { unreadable: 1 } } });
    expect(times.get('bbb 0/pp 0')).toBe(2);
    expect(times.get('bbbb 1/pppp 1')).toBe(2);
    const again = at.server.requests.filter(({ body }) =>
      /Once more: Reply with JSON/.test(body.messages.at(-1).content),
    );
    expect(again).toHaveLength(2);
    // Another run asks for it once more, and for nothing else.
    await at.judged();
    expect(times.get('bbb 0/pp 0')).toBe(3);
    expect(at.server.total()).toBe(7);
  });

  it.each([
    ['content filter', '400 content filter', 'content-filter'],
    ['refusal', 'refusal text', 'refusal'],
  ] as const)(
    '%s: missing, counted by arm and set, not asked again in this run, asked again in the next',
    async (_, fault, reason) => {
      at.twoArms(3);
      at.does = (asked) => (pairIn(asked).A === 'bbb 0' ? fault : sayLonger(asked));
      const { judges } = await at.judged();
      expect(judges[0]!.missingBy).toEqual({ phased: { [reason]: 1 } });
      expect(at.server.total()).toBe(6);
      at.does = sayLonger;
      expect((await at.judged()).judges[0]).toMatchObject({ judged: 3, missing: 0 });
      expect(at.server.total()).toBe(7);
    },
  );

  it('equal answers (trimmed) and both empty: tie, unasked, counted; where only one is empty the pair is asked', async () => {
    writeEvaluation(at.dir, { base: { 1: 'x', 2: '', 3: '' }, phased: { 1: ' x\n', 2: ' ', 3: 'y' } });
    const { judges } = await at.judged();
    expect(judges[0]).toMatchObject({ equal: 1, bothEmpty: 1, judged: 1 });
    expect(at.server.total()).toBe(2);
  });

  it('arms answered other rows: refused with the ids, before any cost', async () => {
    writeEvaluation(at.dir, { base: { 1: 'x', 2: 'y' }, phased: { 1: 'x', 7: 'y' } });
    const error = await at.failing();
    expect(error).toMatchObject({ code: 'data', fields: { rows: '7' } });
    expect(at.server.total()).toBe(0);
  });

  it('20 unreadable replies in a row stop the run with code endpoint; all of them are in the ledger', async () => {
    at.twoArms(40);
    at.does = () => ({ text: 'Both have their merits.' });
    const error = await at.failing({ concurrency: 1 });
    expect(error).toMatchObject({ code: 'endpoint', fields: { replies: 20 } });
    expect(error.message).toMatch(/no verdict/);
    expect(error.message).not.toMatch(/--[a-z]|phasetune [a-z]/);
    // Those that were on their way were still asked.
    expect(at.server.total()).toBeLessThan(80);
    at.does = sayLonger;
    expect((await at.judged()).judges[0]).toMatchObject({ judged: 40, missing: 0 });
  });

  it.each<[string, Behaviour, RegExp]>([
    ['a judge that is down', '500', /questions in a row failed|retries are used up/],
    ['a key that is refused', '401', /refuses the key/],
    ['money that runs out', '429 quota', /used up/],
    ['a model that is not there', '404 model', /no such model/],
  ])('%s ends the run with code endpoint, and what was answered is kept', async (_, fault, message) => {
    at.twoArms(40);
    at.does = (asked) => (asked.n < 10 ? sayLonger(asked) : fault);
    const error = await at.failing({ concurrency: 1, tries: 1 });
    expect(error).toMatchObject({ code: 'endpoint' });
    expect(error.message).toMatch(message);
    at.does = sayLonger;
    const before = at.server.total();
    await at.judged();
    expect(at.server.total() - before).toBe(70);
  });

  it('stops before `maxCost`, keeps what it has, and continues with a larger one', async () => {
    at.twoArms(10);
    // 5 tokens a reply are half a cent; a request may cost up to 100 tokens.
    const cost = { prices: at.prices(), judgeMaxTokens: 100, concurrency: 1 };
    const { problem, judges } = await at.judged({ ...cost, maxCost: 0.13, yes: true });
    expect(problem).toMatchObject({ code: 'endpoint', fields: { option: 'maxCost' } });
    expect(judges[0]!.missingBy.phased!['not-asked']).toBeGreaterThan(0);
    expect(judges[0]!.spent!.dollars).toBeLessThanOrEqual(0.13);
    const rest = await at.judged({ ...cost, maxCost: 1, yes: true });
    expect(rest.problem).toBeUndefined();
    expect(rest.judges[0]).toMatchObject({ judged: 10, spent: { requests: 20, dollars: 0.1 } });
    expect((await readEvalFile(at.dir)).judges.judge!.spent).toEqual({ requests: 20, dollars: 0.1, tokens: 2100 });
  });

  it('spends nothing without agreement', async () => {
    at.twoArms(2);
    expect(await at.failing({ prices: at.prices() })).toMatchObject({ code: 'usage', fields: { option: 'yes' } });
    await expect(at.judged({ prices: at.prices() }, { confirm: async () => false })).rejects.toMatchObject({
      code: 'failed',
    });
    expect(at.server.total()).toBe(0);
    expect(existsSync(evalPaths(at.dir).verdicts)).toBe(false);
  });

  it.each<[string, Partial<JudgeAnswersOptions>, string]>([
    ['a missing model', { model: undefined }, 'model'],
    ['an unknown prompt', { judgePrompt: 'pairs' }, 'judgePrompt'],
    ['a limit without a price', { maxCost: 1 }, 'maxCost'],
    ['probabilities of scores', { expected: true, judgePrompt: 'pair-scores' }, 'expected'],
  ])('refuses %s by the name of the option, before any cost', async (_, given, option) => {
    at.twoArms(2);
    expect(await at.failing(given)).toMatchObject({ code: 'usage', fields: { option } });
    expect(at.server.total()).toBe(0);
  });

  it('is refused where there is no evaluation, and where there are no answers', async () => {
    expect(await at.failing()).toMatchObject({ code: 'data' });
    writeEvaluation(at.dir, { base: {}, phased: {} });
    expect(await at.failing()).toMatchObject({ code: 'data', message: expect.stringMatching(/no answers/) });
  });

  it('stops with code interrupted where the signal is aborted, and continues from there', async () => {
    at.twoArms(10);
    const stop = new AbortController();
    at.does = (asked) => {
      if (asked.n === 4) stop.abort();
      return sayLonger(asked);
    };
    const error = await at.failing({ concurrency: 1 }, { signal: stop.signal });
    expect(error).toMatchObject({ code: 'interrupted', message: expect.stringContaining('run the same task again') });
    expect(existsSync(evalPaths(at.dir).verdicts)).toBe(false);
    at.does = sayLonger;
    expect((await at.judged()).judges[0]).toMatchObject({ judged: 10 });
    expect(at.server.total()).toBe(20);
  });

  it('loses nothing and asks nothing after an answer where 30 % of all requests go wrong', async () => {
    const rows = 60;
    writeEvaluation(at.dir, {
      base: outputs('b', rows, (i) => 3 + (i % 3)),
      phased: outputs('p', rows, (i) => 2 + (i % 5)),
      oneOff: outputs('o', rows, (i) => 1 + (i % 7)),
    });
    await at.serve({ say: sayLonger, faults: { share: 0.3, seed: 4, kinds: PASSING_FAULTS } });
    const { judges } = await at.judged({ concurrency: 16, retryBudget: 10_000, tries: 12 });
    expect(judges[0]).toMatchObject({ pairs: 2 * rows, judged: 2 * rows, missing: 0 });
    const lines = readFileSync(evalPaths(at.dir).judgeLedger, 'utf8').trim().split('\n').slice(1);
    const replies = lines.map((line) => JSON.parse(line)).filter(({ reply }) => reply);
    expect(new Set(replies.map(({ key }) => key)).size).toBe(replies.length);
    expect(replies).toHaveLength(4 * rows);
  });
});

describe('judging without an endpoint', () => {
  it('lets the longer answer win, without a ledger', async () => {
    at.twoArms();
    const { judges } = await at.judged({ judge: 'length', baseUrl: undefined, model: undefined });
    expect(judges).toMatchObject([{ judge: 'length', control: false, judged: 6 }]);
    expect((await readEvalFile(at.dir)).judges.length).toMatchObject({ kind: 'length', control: false });
    expect(existsSync(evalPaths(at.dir).judgeLedger)).toBe(false);
    // As a control of another judge it stays one that was asked for, after that judge.
    await at.judged();
    const { judges: both } = await readEvalFile(at.dir);
    expect(Object.entries(both).map(([name, { control }]) => [name, control])).toEqual([
      ['judge', false],
      ['length', false],
    ]);
  });
});
