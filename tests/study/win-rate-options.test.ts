import { expect, test } from 'vitest';
import { studyFileSchema } from '../../src/study/study-file.js';
import { decideMetric, winRateOptions } from '../../src/study/win-rate-options.js';

const study = (winRate: Record<string, unknown>, margin?: number) =>
  studyFileSchema.parse({
    base: {},
    arms: { 'one-off': {}, phased: {} },
    control: 'one-off',
    metric: { 'win-rate': winRate, ...(margin !== undefined && { margin }) },
  });

const decided = (winRate: Record<string, unknown>, environment = {}) => {
  const file = study(winRate, 2);
  return { ...file, metric: decideMetric(file.metric, { environment }) };
};

test('options of an evaluation are checked, and their defaults filled in', () => {
  const { metric } = decided({ sets: ['koala.jsonl'], judge: 'length', maxTokens: 32 });
  expect(metric).toMatchObject({
    margin: 2,
    'win-rate': {
      sets: ['koala.jsonl'],
      judge: 'length',
      maxTokens: 32,
      temperature: 0,
      orders: 'both',
      maxMissing: 0.05,
    },
  });
  const options = winRateOptions({ metric });
  expect(options).toMatchObject({ judge: 'length', entranceRows: 200, controls: ['likelihood', 'length'] });
  expect(decideMetric(metric, { environment: {} })).toEqual(metric);
});

test('the judge and its address are decided once, from the environment where the file leaves them out', () => {
  const environment = { OPENAI_BASE_URL: ' http://localhost:8000/v1 ' };
  expect(winRateOptions(decided({ sets: ['a'] }))).toMatchObject({ judge: 'letters' });
  expect(winRateOptions(decided({ sets: ['a'], model: 'm' }, environment))).toMatchObject({
    judge: 'llm',
    baseUrl: 'http://localhost:8000/v1',
  });
  const local = winRateOptions(decided({ sets: ['a'], judge: 'letters' }, environment));
  expect(local?.baseUrl).toBe(undefined);
  const given = { sets: ['a'], baseUrl: 'http://localhost:9/v1', model: 'm' };
  expect(winRateOptions(decided(given, environment))).toMatchObject({ judge: 'llm', baseUrl: given.baseUrl });
});

test.each([
  [{ sets: ['a'], maxTokns: 3 }, '`metric.win-rate.maxTokns`: unknown option (did you mean "maxTokens"?)'],
  [{ sets: ['a'], judge: 'people' }, '`metric.win-rate.judge`: expected one of llm, letters, likelihood, length'],
  [{ sets: ['a'], maxTokens: 0 }, '`metric.win-rate.maxTokens`: expected'],
  [{ sets: ['a'], arms: ['x=y'] }, '`metric.win-rate.arms`: the study decides this; leave it out'],
  [{ sets: ['a'], out: 'evals' }, '`metric.win-rate.out`: the study decides this'],
  [{ sets: ['a'], level: 0.9 }, '`metric.win-rate.level`: the study decides this'],
])('%j is refused by name', (winRate, message) => {
  expect(() => decided(winRate)).toThrow(
    expect.objectContaining({ code: 'usage', message: expect.stringContaining(message) }),
  );
});

test('a study of held-out losses has no such options, and its metric stays as it is', () => {
  const { metric } = studyFileSchema.parse({ base: {}, arms: { a: {}, b: {} }, control: 'a' });
  expect(decideMetric(metric, { environment: {} })).toBe(metric);
  expect(winRateOptions({ metric })).toBe(undefined);
});
