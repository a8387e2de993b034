import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { planStudy } from '../../src/study/plan-study.js';
import { studyPaths } from '../../src/study/study-record.js';
import { forecastTime, speedOfCells, speedOfProducts } from '../../src/study/time-forecast.js';
import { readRunFile, writeRunFile } from '../../src/train/run-file.js';
import { finishedStudy } from '../helpers/finished-study.js';
import { prepared, studyHome } from '../helpers/study-file.js';

/** All files under a folder and their contents. */
const contents = (folder: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => [join(parentPath, name), readFileSync(join(parentPath, name), 'utf8')]),
  );

describe('a study before it is run', () => {
  it('is planned as it will be registered, and leaves nothing behind', async () => {
    const { file, out, text, write } = studyHome();
    write(`${text}axes: { stage.stages: [2, 3] }\n`);
    const plan = await planStudy({ file, out, parallel: 2 });
    expect(existsSync(out)).toBe(false);
    expect(readdirSync(tmpdir()).filter((name) => name.startsWith('phasetune-study-'))).toEqual([]);
    const { study } = await prepared({ file, out });
    const { cells, record } = study;
    expect(plan).toMatchObject({ registered: false, added: [], cells: 8, done: 0, blocks: 2, budget: record.budget });
    expect(plan.folders).toEqual(cells.map(({ id }) => `cells/${id}`));
    expect(new Set(plan.folders).size).toBe(8);
    for (const arm of plan.arms) {
      const own = cells.filter(
        (cell) => cell.arm === arm.arm && cell.axes['stage.stages'] === arm.axes['stage.stages'],
      );
      expect(arm).toMatchObject({ cells: 2, stages: own[0]!.planned.stages });
      expect(arm.trainedTokens).toBe((own[0]!.planned.trainedTokens + own[1]!.planned.trainedTokens) / 2);
    }
    expect(plan.largestDifference.share).toBeLessThan(0.01);
    expect(plan.disk.bytes).toBe(cells.reduce((n, { forecast }) => n + forecast.diskBytes!, 0));
    expect(plan.power).toMatchObject({ n: 2, comparisons: 2, sd: null });
    expect(plan.power.warnings).toEqual(['there is no verdict with fewer than 3 seeds, and there are 2']);
    expect(plan.time).toMatchObject({ parallel: 2, threads: 1 });
    // What needs TensorFlow is known where that is set up.
    expect(plan.memory.bytes === null).toBe(plan.memory.problem !== null);
    if (plan.time.speed) {
      expect(plan.time.secondsAlone).toBeGreaterThan(plan.time.seconds!);
      expect(plan.memory.bytes).toBeGreaterThan(2 ** 28);
    }
  });

  it('that is registered says what would be added, and writes nothing', async () => {
    const { file, out, text, write } = studyHome();
    await prepared({ file, out });
    const before = contents(out);
    write(
      text
        .replace('seeds: 2', 'seeds: 6')
        .replace('{ order: phased }', '{ order: phased }\n  random: { order: random }'),
    );
    const plan = await planStudy({ file, out });
    expect(plan).toMatchObject({
      registered: true,
      added: ['arm random', 'seed 3', 'seed 4', 'seed 5', 'seed 6'],
      cells: 18,
    });
    expect(contents(out)).toEqual(before);
    write(text.replace('maxLength: 128', 'maxLength: 120'));
    await expect(planStudy({ file, out })).rejects.toThrow('base.maxLength was 128, is 120');
    expect(contents(out)).toEqual(before);
  });
});

describe('the time of a study', () => {
  it('is that of its cells one after another, or of the last place that is done', () => {
    const speed = { flopPerSecond: 10, basis: 'cells' as const, from: 2 };
    const runs = [100, 50, 30, 40].map((tokens) => ({ tokens, measuredTokens: 60, flopPerToken: 1 }));
    expect(forecastTime(runs, speed, { parallel: 2, threads: 1 })).toEqual({
      secondsAlone: 22,
      // 10 s; 5, 3 and 4 s.
      seconds: 12,
      parallel: 2,
      threads: 1,
      speed,
    });
    expect(forecastTime(runs, undefined, { parallel: 1, threads: 2 })).toMatchObject({ seconds: null, speed: null });
    expect(forecastTime([], speed, { parallel: 1, threads: 2 })).toMatchObject({ seconds: 0, secondsAlone: 0 });
    // By the speed of products alone: 10 s before the first step, and measuring is half of the work.
    const products = { ...speed, basis: 'products' as const };
    expect(forecastTime(runs, products, { parallel: 1, threads: 2 }).seconds).toBe(4 * 10 + 22 + 4 * 3);
  });

  it('is known from done cells, in which a token of a larger model is more work', async () => {
    const { study } = await finishedStudy({ arms: ['a', 'b'], seeds: 2, loss: () => 1 });
    const models = {
      ...study,
      cells: study.cells.map((cell, i) => ({
        ...cell,
        recipe: { ...cell.recipe, model: i % 2 === 0 ? 'small' : 'large' },
      })),
    };
    for (const [i, { id }] of study.cells.entries()) {
      const path = studyPaths(study.folder).run(id);
      await writeRunFile(path, { ...(await readRunFile(path)), seconds: i % 2 === 0 ? 10 : 20 });
    }
    const states = study.cells.map((_, i) => ({ state: i < 3 ? ('done' as const) : ('waiting' as const) }));
    const flop = (model: string) => ({ small: 5, large: 11 })[model];
    // 2,000 tokens each: small, large, small.
    expect(await speedOfCells(models, 'cells', flop, states)).toEqual({
      flopPerSecond: (2000 * (5 + 11 + 5)) / 40,
      basis: 'cells',
      from: 3,
    });
    expect(await speedOfCells(models, 'study', (model) => (model === 'large' ? 11 : undefined), states)).toEqual({
      flopPerSecond: (2000 * 11) / 20,
      basis: 'study',
      from: 1,
    });
    expect(await speedOfCells(models, 'cells', () => undefined, states)).toBeUndefined();
  });

  it('is guessed from products on a processor only', () => {
    const [speed, run] = [{ gflops: 100, device: 'cpu' as const }, { precision: 'float32' as const }];
    expect(speedOfProducts(speed, run, 0.5)).toEqual({ flopPerSecond: 3e10, basis: 'products', from: 0 });
    expect(speedOfProducts({ ...speed, device: 'cuda' }, run, 1)).toBeUndefined();
    expect(speedOfProducts({ problem: 'TensorFlow is not set up' }, {}, 1)).toBeUndefined();
  });
});
