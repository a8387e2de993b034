import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { random } from '../../src/core/random.js';
import { evalPaths, readEvalFile } from '../../src/eval/eval-file.js';
import type { Verdict } from '../../src/eval/verdicts/verdict.js';
import { judgeAnswers, planJudgingAnswers } from '../../src/workflow/eval-judge.js';
import type { JudgeAnswersOptions } from '../../src/workflow/eval-judge-options.js';
import type { JudgeAnswersEvent } from '../../src/workflow/eval-judge-types.js';
import { judgingSetup, outputs } from '../helpers/eval-judging.js';
import { pairIn, sayLonger, verdict, verdictWithOdds, writeEvaluation } from '../helpers/evaluation.js';

const at = judgingSetup();
const environment = { OPENAI_API_KEY: 'sk-0123456789' };
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
const winRate = (verdicts: readonly Verdict[]) => 100 * mean(verdicts.flatMap(({ x }) => (x === null ? [] : [x])));

describe('judging by an LLM', () => {
  it('asks about each pair in both orders, writes verdicts and the judge, and asks nothing again', async () => {
    at.twoArms();
    const result = await at.judged();
    expect(at.server.total()).toBe(12);
    expect(result.judges.map(({ judge, control, judged, missing }) => [judge, control, judged, missing])).toEqual([
      ['judge', false, 6, 0],
      ['length', true, 6, 0],
    ]);
    const { judges } = await readEvalFile(at.dir);
    expect(Object.keys(judges)).toEqual(['judge', 'length']);
    expect(judges.judge).toMatchObject({
      kind: 'llm',
      control: false,
      about: {
        model: 'judge',
        prompt: { name: 'pair', version: '1' },
        temperature: 0,
        returned: ['judge'],
        orders: 'both',
      },
      spent: { requests: 12, dollars: 0, tokens: 12 * 105 },
    });
    const bytes = readFileSync(evalPaths(at.dir).verdicts, 'utf8');
    const evalBytes = readFileSync(evalPaths(at.dir).evalFile, 'utf8');
    expect((await at.judged()).judges[0]!.asked).toBeUndefined();
    expect(at.server.total()).toBe(12);
    expect(readFileSync(evalPaths(at.dir).verdicts, 'utf8')).toBe(bytes);
    expect(readFileSync(evalPaths(at.dir).evalFile, 'utf8')).toBe(evalBytes);
  });

  it('reports the plan, every reply and the end as events', async () => {
    at.twoArms(2);
    const judging = judgeAnswers(at.options({ concurrency: 1 }), { environment });
    const events: JudgeAnswersEvent[] = [];
    for await (const event of judging.events) events.push(event);
    expect(events.map(({ type }) => type)).toEqual([
      ...['plan', 'start', 'answer', 'answer', 'answer', 'answer', 'asked', 'judged', 'start', 'judged'],
    ]);
    expect(events[0]).toMatchObject({ plan: { pairs: 2, questions: 4, asking: { estimate: { requests: 4 } } } });
  });

  it('says "first" always: every arm exactly 50.0, no two orders agree, position +50 points', async () => {
    writeEvaluation(at.dir, {
      base: outputs('b', 9, () => 4),
      phased: outputs('p', 9, (i) => 1 + i),
      mixed: outputs('m', 9, (i) => 9 - i),
    });
    at.does = () => verdict('A');
    await at.judged();
    const verdicts = await at.verdictsOf();
    for (const arm of ['phased', 'mixed']) expect(winRate(verdicts.filter((one) => one.arm === arm))).toBe(50);
    const orders = verdicts.map(({ orders }) => orders);
    expect(orders.filter(([x, y]) => x!.better === y!.better)).toHaveLength(0);
    const firstWins = orders.flat().filter(({ first, better }) => first === better).length;
    expect(100 * (firstWins / orders.flat().length - 0.5)).toBe(50);
  });

  it('says "longer" always: the control `length` agrees in 100 %', async () => {
    at.twoArms(30);
    await at.judged();
    const [llm, length] = [await at.verdictsOf(), await at.verdictsOf('length')];
    expect(length.map(({ id, x }) => [id, x])).toEqual(llm.map(({ id, x }) => [id, x]));
    expect(new Set(llm.map(({ x }) => x))).toEqual(new Set([0, 0.5, 1]));
  });

  it('takes probabilities by `expected`: quality and position come out as they were put in', async () => {
    const rows = 120;
    const draw = random(3, 'quality');
    const quality = Array.from({ length: rows }, () => 0.3 + draw.normal());
    const position = Array.from({ length: rows }, () => (draw.uniform() < 0.5 ? 0.8 : -0.8));
    writeEvaluation(at.dir, { base: outputs('b', rows, () => 3), phased: outputs('p', rows, () => 3) });
    at.does = (asked) => {
      const { A } = pairIn(asked);
      const row = Number(A.split(' ')[1]);
      return verdictWithOdds((A.startsWith('p') ? quality[row]! : -quality[row]!) + position[row]!);
    };
    await at.judged({ expected: true, concurrency: 32 });
    const verdicts = await at.verdictsOf();
    const sigmoid = (z: number) => 1 / (1 + Math.exp(-z));
    for (const { id, x, orders } of verdicts) {
      const row = Number(id.slice(1));
      const [q, p] = [quality[row]!, position[row]!];
      expect(x).toBeCloseTo((sigmoid(q + p) + sigmoid(q - p)) / 2, 9);
      const logOdds = (side: string) => orders.find(({ first }) => first === side)!.logOdds!;
      expect((logOdds('arm') + logOdds('baseline')) / 2).toBeCloseTo(p, 9);
    }
    expect(at.server.requests[0]!.body).toMatchObject({ logprobs: true, top_logprobs: 20 });
  });

  it('falls back on the verdict where no log-probabilities come, and counts it', async () => {
    at.twoArms(2);
    const { judges } = await at.judged({ expected: true });
    expect(judges[0]).toMatchObject({ judged: 2, replies: { fromText: 4 } });
  });

  it('has mirrored figures, without a request, where arms are given in another order', async () => {
    const arms = { base: outputs('b', 8, (i) => 3 + (i % 3)), phased: outputs('p', 8, (i) => 2 + ((i * 2) % 5)) };
    for (const orders of ['both', 'drawn'] as const) {
      writeEvaluation(at.dir, arms);
      await at.judged({ orders });
      const before = at.server.total();
      const first = await at.verdictsOf();
      writeEvaluation(at.dir, { phased: arms.phased, base: arms.base });
      await at.judged({ orders });
      expect(at.server.total()).toBe(before);
      expect((await at.verdictsOf()).map(({ x }) => x)).toEqual(first.map(({ x }) => 1 - x!));
    }
    // The drawn order is one of both, so it cost nothing either.
    expect(at.server.total()).toBe(16);
  });

  it('asks all again for another judge, prompt or temperature, two orders for one character, and nothing by reparse', async () => {
    const arms = { base: outputs('b', 5, () => 3), phased: outputs('p', 5, (i) => 1 + i) };
    writeEvaluation(at.dir, arms);
    const asked = async (given?: Partial<JudgeAnswersOptions>) => {
      const before = at.server.total();
      await at.judged(given);
      return at.server.total() - before;
    };
    expect(await asked()).toBe(10);
    expect(await asked({ model: 'other' })).toBe(10);
    at.does = () => ({ text: '{"A": 7, "B": 6}' });
    expect(await asked({ judgePrompt: 'pair-scores' })).toBe(10);
    at.does = sayLonger;
    expect(await asked({ judgeTemperature: 0.5 })).toBe(10);
    expect(await asked({ judgeSeed: 7 })).toBe(10);
    expect(await asked({ concurrency: 3, judgeMaxTokens: 700, structured: false })).toBe(0);
    writeEvaluation(at.dir, { ...arms, phased: { ...arms.phased, r2: `${arms.phased.r2}!` } });
    expect(await asked()).toBe(2);
    expect(await asked({ reparse: true })).toBe(0);
    expect(await asked()).toBe(0);
  });

  it('reads the ledger again by reparse, without a key and without asking', async () => {
    at.twoArms(3);
    await at.judged();
    const { judgeLedger } = evalPaths(at.dir);
    const ledger = readFileSync(judgeLedger, 'utf8');
    writeFileSync(judgeLedger, ledger.replaceAll('\\"better\\":\\"B\\"', '\\"better\\":\\"tie\\"'));
    await at.judged({ reparse: true }, { environment: {} });
    expect(at.server.total()).toBe(6);
    expect((await at.verdictsOf()).some(({ x }) => x === 0.75 || x === 0.25)).toBe(true);
    const other = `${at.dir}2`;
    writeEvaluation(other, { a: { 1: 'x' }, b: { 1: 'y' } });
    const error = await at.failing({ reparse: true, folder: other });
    expect(error).toMatchObject({ code: 'usage', fields: { option: 'reparse' } });
  });

  it('asks several times by `repeats`, each with its own seed, and shows how well the judge repeats itself', async () => {
    at.twoArms(4);
    at.does = ({ body }) => verdict(body.seed === 2 ? 'B' : 'A');
    const { judges } = await at.judged({ repeats: 3 });
    expect(at.server.total()).toBe(4 * 2 * 3);
    expect(at.server.requests.map(({ body }) => body.temperature)).toEqual(new Array(24).fill(0.7));
    // Of three replies two are the same: one pair of three.
    expect(judges[0]!.repeatability).toEqual({ agreement: expect.closeTo(1 / 3, 12), questions: 8 });
    const [one] = await at.verdictsOf();
    expect(one!.orders.map(({ repeat }) => repeat)).toEqual([1, 1, 2, 2, 3, 3]);
    expect(await at.failing({ repeats: 2, judgeTemperature: 0 })).toMatchObject({
      fields: { option: 'judgeTemperature' },
    });
  });

  it('compares each arm with each other by `pairs: all`, and pairs the runs of arms', async () => {
    writeEvaluation(at.dir, {
      base: { 1: 'b' },
      oneOff: [{ 1: 'oo' }, { 1: 'ooo' }],
      phased: [{ 1: 'pppp' }, { 1: 'ppppp' }],
    });
    await at.judged({ pairs: 'all' });
    expect(
      (await at.verdictsOf()).map(({ baseline, baselineRun, arm, run }) => `${baseline}${baselineRun}-${arm}${run}`),
    ).toEqual([
      ...['base1-oneOff1', 'base1-oneOff2', 'base1-phased1', 'base1-phased2', 'oneOff1-phased1', 'oneOff2-phased2'],
    ]);
  });

  it('asks once about equal pairs of several arms', async () => {
    writeEvaluation(at.dir, { base: { 1: 'x' }, one: { 1: 'y' }, two: { 1: 'y' } });
    await at.judged();
    expect(at.server.total()).toBe(2);
    expect(await at.verdictsOf()).toHaveLength(2);
  });

  it('keeps no arm names from the judge out of nothing: they are in no request', async () => {
    writeEvaluation(at.dir, { baselinearm: { 1: 'x' }, phasedarm: { 1: 'y' } });
    await at.judged();
    expect(JSON.stringify(at.server.requests.map(({ body }) => body))).not.toMatch(/baselinearm|phasedarm|koala/);
  });

  /** A server that answers for a name by the model that `modelOf` says. */
  const servedBy = (modelOf: (n: number) => string) => {
    at.does = (asked) => (exchange) => {
      const choices = [{ index: 0, message: { content: sayLonger(asked).text }, finish_reason: 'stop' }];
      const body = { model: modelOf(asked.n), choices };
      exchange.response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
  };

  it('records the model that the server returns', async () => {
    at.twoArms(2);
    servedBy(() => 'judge-1');
    await at.judged();
    expect((await readEvalFile(at.dir)).judges.judge!.about.returned).toEqual(['judge-1']);
  });

  it('refuses to mix the models that the server returns, at the first other one, and asks again by another name', async () => {
    at.twoArms(60);
    servedBy((n) => (n < 4 ? 'judge-1' : 'judge-2'));
    const error = await at.failing({ concurrency: 1 });
    expect(error.code).toBe('endpoint');
    expect(error.message).toMatch(
      /answers for judge with more than one model, judge-1 and judge-2; .*none were written/,
    );
    expect(error.message).toMatch(/`model` to a name that always stands for the same model, such as judge-2/);
    const asked = at.server.total();
    expect(asked).toBeLessThan(120);
    expect(await at.verdictsOf()).toEqual([]);
    // The replies are kept, and the next run is refused before it asks anything.
    expect((await at.failing()).message).toBe(error.message);
    expect((await planJudgingAnswers(at.options(), { environment }).catch((one: Error) => one)) as Error).toMatchObject(
      {
        message: error.message,
      },
    );
    expect(at.server.total()).toBe(asked);
    servedBy(() => 'judge-2');
    await at.judged({ model: 'judge-2' });
    expect(at.server.total()).toBe(asked + 120);
    expect((await readEvalFile(at.dir)).judges['judge-2']!.about.returned).toEqual(['judge-2']);
  });

  it('refuses a model that has changed between two runs, with the verdicts of the first kept', async () => {
    at.twoArms(2);
    servedBy(() => 'judge-1');
    await at.judged();
    const before = await at.verdictsOf();
    at.twoArms(3);
    servedBy(() => 'judge-2');
    expect((await at.failing()).message).toMatch(/more than one model, judge-1 and judge-2/);
    expect(await at.verdictsOf()).toEqual(before);
  });

  it('plans pairs × orders × repeats less equal answers, with the cost and one prompt, without a key or a file', async () => {
    writeEvaluation(at.dir, {
      base: { 1: 'x', 2: 'y', 3: '' },
      phased: { 1: 'x ', 2: 'z', 3: ' ' },
      other: { 1: 'p', 2: 'q', 3: 'r' },
    });
    const plan = await planJudgingAnswers(at.options({ repeats: 2, prices: at.prices() }), { environment: {} });
    expect(plan).toMatchObject({
      pairs: 6,
      equal: 1,
      bothEmpty: 1,
      noAnswer: 0,
      questions: 4 * 2 * 2,
      controls: ['length'],
    });
    expect(plan.asking).toMatchObject({ estimate: { requests: 16, likelyCost: (16 * 60 * 1000) / 1e6 } });
    expect(plan.asking!.sample!.messages.at(-1)!.content).toContain('"A":');
    expect(at.server.total()).toBe(0);
    expect(existsSync(evalPaths(at.dir).judgeLedger)).toBe(false);
  });
});
