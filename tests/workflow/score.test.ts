import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PhasetuneError } from '../../src/core/errors.js';
import { readScoresManifest, scoredPaths } from '../../src/scoring/scored.js';
import { compareScores } from '../../src/workflow/compare-scores.js';
import { importScores } from '../../src/workflow/import-scores.js';
import { sampleRows } from '../../src/workflow/sample-rows.js';
import { planScoring, score } from '../../src/workflow/score.js';
import type { ScoreOptions } from '../../src/workflow/score-options.js';
import type { JudgedFile, JudgingPlan, ScoreEvent, ScoreHooks } from '../../src/workflow/score-types.js';
import { lastJson, ROOT, start } from '../cli/child.js';
import type { Asked, Behaviour, Endpoint } from '../helpers/endpoint-server.js';
import { startEndpoint } from '../helpers/endpoint-server.js';
import { temporaryFolder } from '../helpers/folder.js';

let folder: string;
let server: Endpoint;
let does: (asked: Asked) => Behaviour | Promise<Behaviour>;
beforeEach(async () => {
  folder = temporaryFolder('workflow-score');
  does = ({ item }) => ({ text: `{"score": ${1 + (Number(item.slice(5)) % 5)}}` });
  server = await startEndpoint({ script: (asked) => does(asked) });
});
afterEach(() => server.close());

/** Rows of the Alpaca kind: each is asked about by its number. */
const rowsFile = (rows = 10): string => {
  const path = join(folder, 'rows.json');
  const row = (_: unknown, i: number) => ({ instruction: `Do item-${i} now`, input: '', output: `Done ${i}.` });
  writeFileSync(path, JSON.stringify(Array.from({ length: rows }, row)));
  return path;
};
const options = (given: Partial<ScoreOptions> = {}): ScoreOptions => ({
  file: rowsFile(),
  out: join(folder, 'scored.jsonl'),
  baseUrl: server.baseUrl,
  model: 'judge',
  ...given,
});
const environment = { OPENAI_API_KEY: 'sk-0123456789' };
const judged = async (given?: Partial<ScoreOptions>, hooks: ScoreHooks = {}) =>
  (await score(options(given), { environment, ...hooks }).result) as JudgedFile;

/** A file of prices by which a reply costs a dollar for a thousand tokens. */
const prices = (): string => {
  const path = join(folder, 'prices.json');
  const entry = { model: 'judge', input: 0, output: 1000 };
  writeFileSync(path, JSON.stringify({ schema: 'phasetune/prices', version: 1, date: '2026-01-01', prices: [entry] }));
  return path;
};

describe('score by a judge', () => {
  it('gives the result without events, and asks nothing again', async () => {
    const result = await judged();
    expect(result.scores).toEqual(Array.from({ length: 10 }, (_, i) => 1 + (i % 5)));
    expect(result).toMatchObject({
      scorer: 'openai',
      manifest: { counts: { rows: 10, scored: 10, unscored: 0 } },
      counts: { rows: 10, repeated: 0 },
      asked: { answered: 10 },
    });
    expect(result.problem).toBeUndefined();
    expect(await readScoresManifest(result.out)).toEqual(result.manifest);
    const again = await judged();
    expect(again).toMatchObject({ scores: result.scores, asked: undefined });
    expect(server.total()).toBe(10);
  });

  it('reports the plan, every answer and the end as events', async () => {
    const scoring = score(options({ concurrency: 2 }), { environment });
    const events: ScoreEvent[] = [];
    for await (const event of scoring.events) events.push(event);
    expect(events.map(({ type }) => type)).toEqual(['plan', 'start', ...new Array(10).fill('answer'), 'asked']);
    expect(events[0]).toMatchObject({ plan: { scorer: 'openai', questions: 10, estimate: { requests: 10 } } });
    expect(events.at(-2)).toMatchObject({ total: 10, unreadable: 0, totals: { answered: 10 } });
    expect((await scoring.result).manifest.counts.scored).toBe(10);
  });

  it('keeps what was answered when the reader leaves the loop, and continues from there', async () => {
    const answers = does;
    // From the fifth on, requests have no answer before the reader has left.
    does = (asked) => (asked.n < 4 ? answers(asked) : new Promise(() => {}));
    const scoring = score(options({ concurrency: 1 }), { environment });
    for await (const event of scoring.events) if (event.type === 'answer' && event.totals.answered === 3) break;
    does = answers;
    await expect(scoring.result).rejects.toMatchObject({ code: 'interrupted' });
    expect(existsSync(join(folder, 'scored.jsonl'))).toBe(false);
    expect(server.total()).toBeLessThan(10);
    const asked = [...server.counts.keys()].slice(0, 3);
    const { manifest } = await judged();
    expect(manifest.counts.scored).toBe(10);
    for (const item of asked) expect(server.counts.get(item), item).toBe(1);
  });

  it('stops with the code interrupted where the signal is aborted, and names the task that continues', async () => {
    const stop = new AbortController();
    does = ({ n }) => {
      if (n === 4) stop.abort();
      return { text: '2' };
    };
    const error = await judged({ concurrency: 1 }, { signal: stop.signal }).catch((thrown: PhasetuneError) => thrown);
    expect(error).toMatchObject({ code: 'interrupted', fields: { remedies: [{ task: 'score' }] } });
    does = () => ({ text: '2' });
    expect((await judged()).manifest.counts.scored).toBe(10);
  });

  it('reads the ledger again by reparse, without a key and without asking', async () => {
    does = ({ item }) => ({ text: item === 'item-2' ? 'who knows' : '2' });
    const first = await judged();
    expect(first.scores[2]).toBeUndefined();
    const { ledger } = scoredPaths(first.out);
    writeFileSync(ledger, readFileSync(ledger, 'utf8').replace('who knows', 'Score: 5'));
    const second = await judged({ reparse: true }, { environment: {} });
    expect(second.scores[2]).toBe(5);
    expect(second.asked).toBeUndefined();
    expect(server.total()).toBe(10);
    await expect(judged({ reparse: true, out: join(folder, 'other.jsonl') })).rejects.toMatchObject({
      code: 'usage',
      fields: { option: 'reparse', remedies: [{ task: 'score' }] },
    });
  });

  it('returns its result with the problem where rows are left out, with remedies and no flag', async () => {
    does = ({ item }) => (item === 'item-3' ? '400' : { text: '2' });
    const { problem, scores, manifest } = await judged({ tries: 1 });
    expect(scores.filter((one) => one === undefined)).toHaveLength(1);
    expect(manifest.counts).toEqual({ rows: 10, scored: 9, unscored: 1 });
    expect(problem).toMatchObject({
      code: 'endpoint',
      fields: { unscored: 1, remedies: [{ task: 'score' }, { task: 'stage', options: { unscored: 'drop' } }] },
    });
    expect(problem!.message).not.toMatch(/--[a-z]|phasetune [a-z]/);
  });

  it.each<[string, Partial<ScoreOptions>, ScoreHooks, object]>([
    ['a missing model', { model: undefined }, {}, { code: 'usage', fields: { option: 'model' } }],
    [
      'a missing key',
      { baseUrl: 'https://judge.example/v1' },
      { environment: {} },
      { fields: { option: 'apiKeyEnv' } },
    ],
    ['an unknown rubric', { rubric: 'hardness' }, {}, { code: 'usage', fields: { option: 'rubric' } }],
    ['a limit without a price', { maxCost: 1 }, {}, { code: 'usage', fields: { option: 'maxCost' } }],
  ])('refuses %s by the name of the option', async (_, given, hooks, expected) => {
    const error = await judged(given, hooks).catch((thrown: PhasetuneError) => thrown);
    expect(error).toMatchObject(expected);
    expect((error as Error).message).not.toMatch(/--[a-z]/);
    expect(server.total()).toBe(0);
  });

  it('asks the hook before it spends money, and spends nothing without it or after a no', async () => {
    const costs: unknown[] = [];
    const confirm = (answer: boolean) => async (cost: unknown) => {
      costs.push(cost);
      return answer;
    };
    const given = { prices: prices() };
    await expect(judged(given)).rejects.toMatchObject({
      code: 'usage',
      fields: { option: 'yes', remedies: [{ option: 'yes' }, { option: 'maxCost' }] },
    });
    await expect(judged(given, { confirm: confirm(false) })).rejects.toMatchObject({ code: 'failed' });
    expect(server.total()).toBe(0);
    expect(existsSync(scoredPaths(join(folder, 'scored.jsonl')).ledger)).toBe(false);
    expect((await judged(given, { confirm: confirm(true) })).manifest.counts.scored).toBe(10);
    const cost = { likelyCost: expect.closeTo(0.1, 9), maxCost: undefined };
    expect(costs).toEqual([cost, cost]);
  });

  it('is planned without a key, a request or a file', async () => {
    const given = options({ baseUrl: 'https://api.openai.com/v1', model: 'gpt-4o-mini' });
    const plan = (await planScoring(given, { environment: {} })) as JudgingPlan;
    expect(plan.estimate).toMatchObject({ requests: 10, known: 0 });
    expect(plan.estimate.likelyCost).toBeGreaterThan(0);
    expect(plan.sample!.prompt.messages.at(-1)!.content).toContain('Do item-0 now');
    expect(JSON.stringify(plan)).not.toContain('sk-');
    expect(existsSync(scoredPaths(given.out).ledger)).toBe(false);
    await expect(planScoring(options({ reparse: true }))).rejects.toMatchObject({ fields: { option: 'reparse' } });
  });
});

describe('score in process', () => {
  const model = join(ROOT, 'models/tiny-llama');

  it('by length needs no model, and counts by the tokenizer of one', async () => {
    const result = await score({ file: rowsFile(), out: join(folder, 'l.jsonl'), scorer: 'length' }).result;
    expect(result).toMatchObject({ scorer: 'length', counted: 'estimate' });
    const counted = await score({ file: rowsFile(), out: join(folder, 'm.jsonl'), scorer: 'length', model }).result;
    expect(counted).toMatchObject({ counted: 'tokenizer', manifest: { counts: { scored: 10 } } });
    expect(await planScoring({ file: rowsFile(), out: join(folder, 'n.jsonl'), scorer: 'length' })).toEqual({
      scorer: 'length',
      rows: 10,
    });
  });

  it('by loss measures once, and its plan writes nothing', async () => {
    const given = { file: rowsFile(), out: join(folder, 'ifd.jsonl'), scorer: 'loss', model } as const;
    expect(await planScoring(given)).toMatchObject({ scorer: 'loss', rows: 10, texts: 20, known: 0 });
    expect(existsSync(scoredPaths(given.out).ledger)).toBe(false);
    const scoring = score(given);
    const types = new Set<string>();
    for await (const { type } of scoring.events) types.add(type);
    expect([...types]).toEqual(['encode', 'plan', 'start', 'measure']);
    const first = await scoring.result;
    expect(first).toMatchObject({ scorer: 'loss', measured: 20, manifest: { counts: { scored: 10 } } });
    expect(await score(given).result).toMatchObject({ measured: 0, speed: undefined, scores: first.scores });
    await expect(score({ ...given, model: undefined }).result).rejects.toMatchObject({
      code: 'usage',
      fields: { option: 'model', remedies: [{ option: 'model' }, { task: 'model pull' }, { task: 'model import' }] },
    });
  });
});

describe('what is done with scores', () => {
  it('they are imported, sampled and compared', async () => {
    const ratings = join(folder, 'ratings.csv');
    const { out, scores } = await judged();
    const lines = readFileSync(out, 'utf8').trimEnd().split('\n');
    const ids = lines.map((line) => (JSON.parse(line) as { id: string }).id);
    const rated = ids.slice(1).map((id, i) => `${id},${6 - scores[i + 1]!}`);
    writeFileSync(ratings, `id,rating\n${rated.join('\n')}\n`);
    const imported = await importScores({ file: rowsFile(), from: ratings, out: join(folder, 'people.jsonl') });
    expect(imported).toMatchObject({ missing: 1, unused: 0, matchedBy: 'id', manifest: { counts: { scored: 9 } } });
    const sheet = join(folder, 'sheet.csv');
    expect(await sampleRows({ file: out, out: sheet, rows: 4, strata: 2 })).toMatchObject({ rows: 4, unscored: 0 });
    expect(readFileSync(sheet, 'utf8').trimEnd().split('\n')).toHaveLength(5);
    await expect(sampleRows({ file: out, out: sheet, rows: 4 })).rejects.toMatchObject({ fields: { option: 'out' } });
    const report = join(folder, 'agreement.md');
    const files = [`judge=${out}`, `people=${imported.out}`];
    const { comparison, written } = await compareScores({ files, out: report, resamples: 20 }).result;
    expect(comparison.pairs[0]!.agreement.spearman.value).toBeCloseTo(-1, 9);
    expect(written).toEqual([join(folder, 'agreement-judge-people.svg'), report]);
  });

  it('importing these functions loads no TensorFlow', async () => {
    const modules = ['score', 'stage', 'compare-scores', 'sample-rows', 'import-scores'];
    const paths = modules.map((name) => join(ROOT, `src/workflow/${name}.ts`));
    const { out, err } = await start('tests/workflow/without-tensorflow.ts', paths).ended;
    expect(lastJson(out), err).toEqual({ before: 0, after: expect.any(Number) });
    expect(lastJson(out).after).toBeGreaterThan(0);
  });
});
