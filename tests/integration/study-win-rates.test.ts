import { cp, rm } from 'node:fs/promises';
import { beforeAll, expect, it } from 'vitest';
import { readEvalFile } from '../../src/eval/eval-file.js';
import { readJson } from '../../src/io/json.js';
import type { CellState } from '../../src/study/state.js';
import { studyFileSchema } from '../../src/study/study-file.js';
import type { Study } from '../../src/study/study-record.js';
import { decideMetric } from '../../src/study/win-rate-options.js';
import { measureWinRates, winRateValues } from '../../src/study/win-rates.js';
import { train } from '../../src/workflow/train.js';
import { type EvalHome, evalHome } from '../helpers/eval-home.js';

let home: EvalHome;

const ARMS = ['one-off', 'phased', 'reversed'] as const;
const SEEDS = [1, 2];

/** A study that was measured without a break. */
let whole: { study: Study; generated: Record<string, number>; values: ReadonlyMap<string, number> };

beforeAll(async () => {
  home = await evalHome('study-win-rates');
  const { compile } = home.common;
  const recipe = { model: home.model, data: home.at('staged'), steps: 2, batchRows: 4, optim: { learningRate: 0.3 } };
  for (const seed of SEEDS) {
    const out = home.at(`one-off-${seed}`);
    await train({ ...recipe, ...(compile && { compile }), order: 'one-off', seed, out }).result;
    await cp(home.at(`run-${seed}`), home.at(`phased-${seed}`), { recursive: true });
    // The other seed's run stands for another arm.
    await cp(home.at(`run-${seed}`), home.at(`reversed-${3 - seed}`), { recursive: true });
  }
  const study = await studyIn('whole');
  const generated = await measure(study, done(study));
  whole = { study, generated, values: (await winRateValues(study, done(study))).values };
});

/** A study of all runs in a folder of its own. */
async function studyIn(folder: string, winRate: Record<string, unknown> = {}): Promise<Study> {
  const { compile } = home.common;
  const parsed = studyFileSchema.parse({
    base: {},
    arms: Object.fromEntries(ARMS.map((order) => [order, { order }])),
    control: 'one-off',
    metric: {
      'win-rate': {
        sets: [home.at('asked.json')],
        maxTokens: 5,
        batch: 4,
        ...(compile && { compile }),
        judge: 'length',
        loss: false,
        controls: [],
        ...winRate,
      },
    },
  });
  const study = { ...parsed, metric: decideMetric(parsed.metric, { environment: {} }) };
  const cells = SEEDS.flatMap((seed) =>
    ARMS.map((arm) => ({ id: `${arm}-seed-${seed}`, arm, axes: {}, seed, split: 1 })),
  );
  for (const { id, arm, seed } of cells)
    await cp(home.at(`${arm}-${seed}`), home.at(folder, 'cells', id, 'run'), { recursive: true });
  const record = { study, begunIn: process.cwd(), analysis: { alpha: 0.05, control: 'one-off' } };
  return { folder: home.at(folder), record, cells } as unknown as Study;
}

const done = (study: Study, except: readonly string[] = []): CellState[] =>
  study.cells.map(({ id }) =>
    except.includes(id)
      ? { state: 'failed', failure: 'loss spike', reason: 'a spike', attempts: 1 }
      : { state: 'done' },
  );

/** Measures, and counts the answers that were generated in each evaluation. */
async function measure(study: Study, states: readonly CellState[]) {
  const generated: Record<string, number> = {};
  for await (const event of measureWinRates(study, states)) {
    if (event.type === 'evaluate') generated[event.name] = 0;
    if (event.type === 'evaluation' && event.event.part === 'answer' && event.event.event.type === 'plan')
      generated[event.name] = event.event.event.plan.answers.missing;
  }
  return generated;
}

interface ResultJson {
  readonly level: number;
  readonly arms: Readonly<Record<string, { readonly winRate: number }>>;
}

/** Instructions of the set. */
const ROWS = 6;

it('measures each run against the run of the control with the same seed', async () => {
  const { study, generated, values } = whole;
  // Equal adapters answer once.
  expect(generated).toEqual({ all: 4 * ROWS });
  expect([...values.keys()].sort()).toEqual(study.cells.map(({ id }) => id).sort());
  const { problems } = await winRateValues(study, done(study));
  expect(problems).toEqual([expect.stringContaining('it prefers the longer answer and knows nothing else')]);
  const result = (await readJson(home.at('whole/evals/all/result.json'))) as ResultJson;
  expect(result.level).toBe(0.95);
  for (const arm of ['phased', 'reversed']) {
    const [one, two] = SEEDS.map((seed) => values.get(`${arm}-seed-${seed}`)!);
    expect((one! + two!) / 2).toBeCloseTo(result.arms[arm]!.winRate, 10);
  }
  expect(SEEDS.map((seed) => values.get(`one-off-seed-${seed}`))).toEqual([50, 50]);
  expect(new Set(values.values()).size).toBeGreaterThan(2);
});

it('an interrupted evaluation continues: nothing is generated twice, and the files are the same', async () => {
  const study = await studyIn('stopped');
  const states = done(study);
  const stop = new AbortController();
  let batches = 0;
  const stopped = (async () => {
    for await (const event of measureWinRates(study, states, { signal: stop.signal }))
      if (event.type === 'evaluation' && event.event.part === 'answer' && event.event.event.type === 'answers')
        if (++batches === 4) stop.abort();
  })();
  await expect(stopped).rejects.toMatchObject({ code: 'interrupted' });
  expect((await winRateValues(study, states)).problems).toEqual(['win rates are not measured yet']);
  const known = (await home.ledgerKeys('stopped/evals/all')).length;
  expect(known).toBeGreaterThan(0);
  expect(await measure(study, states)).toEqual({ all: 4 * ROWS - known });
  const keys = await home.ledgerKeys('stopped/evals/all');
  expect(new Set(keys).size).toBe(keys.length);
  const { values } = await winRateValues(study, states);
  expect(values).toEqual(whole.values);
  expect(await home.written('stopped/evals/all')).toEqual(await home.written('whole/evals/all'));
});

it('an arm without a block is measured by itself, and with the others once the block is there', async () => {
  const study = await studyIn('partial');
  const missing = done(study, ['reversed-seed-1']);
  expect(await measure(study, missing)).toEqual({ all: 4 * ROWS, 'all+reversed': 2 * ROWS });
  const { arms } = await readEvalFile(home.at('partial/evals/all+reversed'));
  expect(Object.entries(arms).map(([arm, { runs }]) => [arm, runs.length])).toEqual([
    ['one-off', 1],
    ['reversed', 1],
  ]);
  const { values } = await winRateValues(study, missing);
  expect(values).toEqual(new Map([...whole.values].filter(([id]) => id !== 'reversed-seed-1')));
  // Now it is done, too: the evaluation of the others gets another arm.
  expect((await winRateValues(study, done(study))).problems).toEqual(['win rates are not measured yet']);
  expect(await measure(study, done(study))).toEqual({ all: 0 });
  expect((await winRateValues(study, done(study))).values).toEqual(whole.values);
  // And back: an arm that was taken out, and a control whose runs moved.
  const later = done(study, ['one-off-seed-1', 'reversed-seed-1']);
  expect((await winRateValues(study, later)).problems).toEqual(['win rates are not measured yet']);
  expect(await measure(study, later)).toEqual({ all: 0 });
  expect((await winRateValues(study, later)).values).toEqual(
    new Map([...whole.values].filter(([id]) => id.endsWith('seed-2'))),
  );
});

it('says that it is not measured yet, that too much is missing, and that an evaluation was never finished', async () => {
  const study = await studyIn('missing');
  const states = done(study);
  expect(await winRateValues(study, states)).toEqual({
    values: new Map(SEEDS.map((seed) => [`one-off-seed-${seed}`, 50])),
    problems: ['win rates are not measured yet'],
  });
  await cp(home.at('whole/evals/all'), home.at('missing/evals/all'), { recursive: true });
  expect((await winRateValues(study, states)).values).toEqual(whole.values);
  await rm(home.at('missing/evals/all/answers/phased/run-2'), { recursive: true });
  await rm(home.at('missing/evals/all/verdicts.jsonl'));
  const { values, problems } = await winRateValues(study, states);
  expect(values.has('phased-seed-2')).toBe(false);
  expect(problems.join('\n')).toContain('of 12 verdicts are missing');
  await rm(home.at('missing/evals/all/result.json'));
  expect((await winRateValues(study, states)).problems).toEqual(['win rates are not measured yet']);
});

it('does nothing in a study of held-out losses', async () => {
  const study = await studyIn('losses');
  const other = {
    ...study,
    record: { ...study.record, study: { ...study.record.study, metric: { 'held-out': 'all' } } },
  };
  expect(await measure(other as Study, done(study))).toEqual({});
  expect(await winRateValues(other as Study, done(study))).toEqual({ values: new Map(), problems: [] });
});
