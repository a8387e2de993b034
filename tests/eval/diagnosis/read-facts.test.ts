import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { bandOrder } from '../../../src/curriculum/stage-plan.js';
import { resolveStaging, stagingOptionsSchema } from '../../../src/curriculum/staging-options.js';
import { stageInto } from '../../../src/curriculum/write.js';
import type { InstructionRecord } from '../../../src/data/record.js';
import type { AnswerRow } from '../../../src/eval/answers/answer-row.js';
import { diagnoseEvaluation } from '../../../src/eval/diagnosis/diagnose-evaluation.js';
import { readFacts } from '../../../src/eval/diagnosis/read-facts.js';
import { type EvalFile, evalPaths, writeEvalFile } from '../../../src/eval/eval-file.js';
import { readEvaluation } from '../../../src/eval/result/evaluation.js';
import type { Verdict } from '../../../src/eval/verdicts/verdict.js';
import { type RunFile, writeRunFile } from '../../../src/train/run-file.js';
import { temporaryFolder } from '../../helpers/folder.js';

let home: string;
let folder: string;

type ArmRun = EvalFile['arms'][string]['runs'][number];
const MODEL = { path: 'models/base', files: { 'model.safetensors': 'base' } };
const ROWS = 12;
const bandOf = (i: number) => 1 + Math.floor(i / 4);

beforeEach(async () => {
  home = temporaryFolder('diagnosis');
  folder = join(home, 'evals/mine');
  const records = Array.from(
    { length: 60 },
    (_, i): InstructionRecord => ({
      id: `r${i}`,
      messages: [
        { role: 'user', content: `Name number ${i} of ${i * i + 7}.` },
        { role: 'assistant', content: `It is ${i * 31}.` },
      ],
      score: 1 + (i % 30) / 10,
      meta: { score: { scorer: 'judge', deviation: 0.25 } },
    }),
  );
  const raw = join(home, 'raw.jsonl');
  await writeLines(raw, records);
  const staging = stagingOptionsSchema.parse({
    stages: 3,
    by: 'thresholds',
    thresholds: [2, 3],
    holdout: 3,
    nearDuplicates: 0,
  });
  await stageInto(join(home, 'staged'), records, resolveStaging(staging), {
    path: raw,
    import: { format: 'auto', badRows: 'refuse' },
  });
});

async function writeLines(path: string, lines: readonly unknown[]) {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
}

/** A finished run, as far as the diagnosis reads it. */
async function writeRun(name: string, order: RunFile['order'], count: number, seed = 1) {
  const stages = Array.from({ length: count }, (_, i) => ({
    stage: i + 1,
    label: `stage ${i + 1}`,
    rows: 12 / count,
    replayed: 0,
    steps: 6 / count,
    tokens: 120 / count,
    trainedTokens: 60 / count,
    paddedTokens: 120 / count,
    plan: 'plan',
    planned: { rows: 12 / count, sha256: 'rows' },
    origin: i === 0 ? { from: 'base' as const } : { from: 'previous-end' as const, sha256: `${name}-${i}` },
    end: { path: `stage-${i + 1}/adapter`, sha256: `${name}-${i + 1}` },
    consumed: { rows: 12 / count, sha256: 'rows' },
  }));
  await mkdir(join(home, name), { recursive: true });
  await writeRunFile(join(home, name), {
    schema: 'phasetune/run',
    version: 2,
    status: 'done',
    started: '2026-01-01T00:00:00.000Z',
    versions: {},
    begunIn: home,
    recipe: { order, seed, out: name, learningRate: 1e-4, smoothness: 0 },
    order,
    seed,
    inputs: { model: MODEL, data: { path: 'staged', manifest: 'hash' } },
    stages,
  });
}

const trained = (run: string, stage: number): ArmRun => ({
  source: run,
  model: MODEL,
  adapter: { path: `${run}/adapter`, files: {} },
  trained: { run, stage },
});
const base: ArmRun = { source: 'models/base', model: MODEL };
const checks = { empty: false, cut: false, refusal: false, loop: false, copy: false, otherScript: false };

/** Writes an evaluation whose answers of each arm have the loss that is given for it. */
async function writeEvaluation(arms: Record<string, ArmRun[]>, baseline: string, losses: Record<string, number> = {}) {
  await mkdir(folder, { recursive: true });
  await writeEvalFile(folder, {
    schema: 'phasetune/evaluation',
    version: 1,
    versions: {},
    begunIn: home,
    baseline,
    sets: [{ name: 'held', path: 'held.jsonl', sha256: '0', rows: ROWS, chosen: ROWS }],
    seed: 0,
    arms: Object.fromEntries(Object.entries(arms).map(([name, runs]) => [name, { runs }])),
    answering: {},
    judges: { letters: { kind: 'letters', about: {}, control: false } },
  });
  for (const [arm, runs] of Object.entries(arms))
    for (let run = 1; run <= runs.length; run++) {
      const answers = Array.from(
        { length: ROWS },
        (_, i): AnswerRow => ({
          id: String(i),
          instruction: `question ${i}`,
          output: 'answer',
          band: bandOf(i),
          score: 1 + i / 4,
          ...(losses[arm] !== undefined && { loss: { sum: 10 * losses[arm], tokens: 10 } }),
          checks,
          key: 'key',
        }),
      );
      await writeLines(evalPaths(folder).answers(arm, run, 'held'), answers);
    }
}

const verdicts = (baseline: string, arm: string, x: number, run = 1): Verdict[] =>
  Array.from({ length: ROWS }, (_, i) => ({
    judge: 'letters',
    set: 'held',
    id: String(i),
    baseline,
    arm,
    run,
    baselineRun: 1,
    ...(i === 11 ? { state: 'missing', x: null, reason: 'endpoint' } : { state: 'judged', x }),
    orders: [],
  }));

const writeLosses = (arm: string, run: number, stage: number, loss: number) =>
  writeLines(
    evalPaths(folder).stageLosses(arm, run, stage, 'held'),
    Array.from({ length: ROWS }, (_, i) => ({ id: String(i), sum: 20 * loss, tokens: i === 0 ? 0 : 20 })),
  );

const factsOf = async (judge: string | undefined) => readFacts(folder, await readEvaluation(folder), judge);
const facts = () => factsOf('letters');

describe('readFacts', () => {
  it('finds the runs, their losses after each stage, the cuts and the scores through the common baseline', async () => {
    await writeRun('one-off', 'one-off', 1);
    await writeRun('phased', 'phased', 3);
    await writeEvaluation({ base: [base], 'one-off': [trained('one-off', 1)], phased: [trained('phased', 3)] }, 'base');
    for (const stage of [0, 1, 2, 3]) await writeLosses('phased', 1, stage, 2 - stage / 10);
    await writeLines(evalPaths(folder).verdicts, [
      ...verdicts('base', 'one-off', 0.75),
      ...verdicts('base', 'phased', 0.25),
    ]);
    const [found, ...others] = await facts();
    expect(others).toEqual([]);
    expect(found).toMatchObject({
      arm: 'phased',
      oneOff: 'one-off',
      through: 'base',
      cuts: [2, 3],
      scoreDeviation: 0.25,
    });
    expect(found!.stages.map(({ stage, bands }) => [stage, bands])).toEqual([
      [0, []],
      [1, [1]],
      [2, [2]],
      [3, [3]],
    ]);
    expect(found!.stages.map(({ losses }) => losses![1]!.toFixed(2))).toEqual(['2.00', '1.90', '1.80', '1.70']);
    expect(found!.stages[0]!.losses![0]).toBeNaN();
    // ½ + (0.25 - 0.75) / 2; the last row is missing.
    expect(found!.scores![0]).toBe(0.25);
    expect(found!.scores![11]).toBeNaN();
    expect(found!.checks.map(({ name, state }) => `${name} ${state}`)).toEqual([
      'trained tokens ok',
      'rows ok',
      'seed ok',
      'base ok',
      'options ok',
      'origin ok',
      'skipped steps ok',
    ]);
    expect(found!.missing).toEqual({ losses: null, scores: null });
  });

  it('takes verdicts either way, and means over the runs', async () => {
    await writeRun('one-off', 'one-off', 1);
    await writeRun('phased-a', 'phased', 3);
    await writeRun('phased-b', 'phased', 3, 2);
    const runs = [trained('phased-a', 3), trained('phased-b', 3)];
    await writeEvaluation({ 'one-off': [trained('one-off', 1)], phased: runs }, 'one-off');
    await writeLosses('phased', 1, 1, 1);
    await writeLosses('phased', 2, 1, 2);
    await writeLines(evalPaths(folder).verdicts, [
      ...verdicts('one-off', 'phased', 1),
      ...verdicts('one-off', 'phased', 0.5, 2),
    ]);
    const [found] = await facts();
    expect(found).toMatchObject({ through: null });
    expect(found!.scores![3]).toBe(0.75);
    expect(found!.stages[1]!.losses![5]).toBe(1.5);
    await writeEvaluation({ phased: [runs[0]!], 'one-off': [trained('one-off', 1)] }, 'phased');
    await writeLines(evalPaths(folder).verdicts, verdicts('phased', 'one-off', 0.9));
    expect((await facts())[0]!.scores![0]).toBeCloseTo(0.1, 12);
  });

  it('takes losses and verdicts of stages from arms that are these stages', async () => {
    await writeRun('phased', 'phased', 3);
    const arms = {
      base: [base],
      early: [trained('phased', 1)],
      middle: [trained('phased', 2)],
      phased: [trained('phased', 3)],
    };
    await writeEvaluation(arms, 'early', { base: 3, early: 2.5, middle: 2.4, phased: 2.2 });
    await writeLines(evalPaths(folder).verdicts, [
      ...verdicts('early', 'middle', 1),
      ...verdicts('early', 'phased', 0.5),
    ]);
    const found = await facts();
    expect(found.map(({ arm }) => arm)).toEqual(['phased']);
    expect(found[0]!.stages.map(({ losses }) => losses?.[4])).toEqual([3, 2.5, 2.4, 2.2]);
    expect(found[0]!.stages.map(({ scores }) => scores?.[4])).toEqual([undefined, undefined, 1, 0.25]);
    expect(found[0]!.missing.scores).toBe('no arm is a one-off run, so there is nothing to compare with');
  });

  it('knows which bands the orders train', async () => {
    await writeRun('reversed', 'reversed', 3);
    await writeRun('random', 'random', 3);
    await writeRun('shuffled', 'shuffled', 3);
    const arms = {
      base: [base],
      back: [trained('reversed', 3)],
      mixed: [trained('random', 3)],
      drawn: [trained('shuffled', 3)],
    };
    await writeEvaluation(arms, 'base');
    const bands = (await facts()).map(({ stages }) => stages.slice(1).map((stage) => stage.bands));
    expect(bands).toEqual([
      [[3], [2], [1]],
      [
        [1, 2, 3],
        [1, 2, 3],
        [1, 2, 3],
      ],
      bandOrder({ order: 'shuffled', seed: 1 }, 3).map((band) => [band]),
    ]);
  });

  it('says why something cannot be had', async () => {
    await writeRun('phased', 'phased', 3);
    const adapter = { source: 'adapters/mine', model: MODEL, adapter: { path: 'adapters/mine', files: {} } };
    await writeEvaluation(
      { base: [base], mine: [adapter], file: [{ source: 'a.json', answers: '0' }], phased: [trained('phased', 3)] },
      'base',
    );
    await rm(join(home, 'staged'), { recursive: true });
    const [mine, file, phased] = await factsOf(undefined);
    expect(mine!.missing).toEqual({
      losses: 'mine is not a run (adapters/mine), so its stages are not known',
      scores: 'no judge whose verdicts count judged it',
    });
    expect(mine!.stages).toEqual([]);
    expect(file!.missing.losses).toContain('(a.json)');
    expect(phased).toMatchObject({ cuts: [], scoreDeviation: null });
    expect(phased!.missing.losses).toBe('no losses were measured after its stages');
    await rm(join(home, 'phased'), { recursive: true });
    const gone = (await facts()).find(({ arm }) => arm === 'phased')!;
    expect(gone.missing.losses).toMatch(/^the run of phased cannot be read: .*no run\.json/);
  });

  it('refuses a broken line of losses with its place', async () => {
    await writeRun('phased', 'phased', 3);
    await writeEvaluation({ base: [base], phased: [trained('phased', 3)] }, 'base');
    const path = evalPaths(folder).stageLosses('phased', 1, 1, 'held');
    await writeLines(path, [{ id: '0', sum: 1, tokens: 2 }, { id: '1' }]);
    await expect(facts()).rejects.toMatchObject({
      code: 'data',
      message: expect.stringContaining('stage-1/held.jsonl'),
    });
  });
});

describe('diagnoseEvaluation', () => {
  it('has an entry for each curriculum, and none where there is none', async () => {
    await writeRun('phased', 'phased', 3);
    await writeEvaluation({ base: [base], phased: [trained('phased', 3)] }, 'base');
    const found = await diagnoseEvaluation(folder, await readEvaluation(folder), 'letters', { seed: 0 });
    expect(Object.keys(found)).toEqual(['phased']);
    expect(found.phased!.signatures.map(({ state }) => state)).toEqual(new Array(4).fill('cannot tell'));
    await writeEvaluation({ base: [base], other: [base] }, 'base');
    expect(await diagnoseEvaluation(folder, await readEvaluation(folder), undefined, { seed: 0 })).toEqual({});
  });
});
