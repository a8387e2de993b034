import { appendFileSync, copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { recipeSchema } from '../../src/config/recipe.js';
import { hashOf } from '../../src/core/hash.js';
import { readStudy } from '../../src/study/study-record.js';
import { prepareRun } from '../../src/train/prepare.js';
import { prepared, studyHome } from '../helpers/study-file.js';

const read = (...path: string[]) => readFileSync(join(...path), 'utf8');
const refused = (work: Promise<unknown>) =>
  work.then(
    () => expect.fail('not refused'),
    (error: Error & { code?: string }) => error,
  );

describe('a new study', () => {
  it('is written whole, with a plan of every cell that is the one which training makes', async () => {
    const { file, out, scored } = studyHome();
    const { study, events } = await prepared({ file, out });
    expect(await readStudy(out)).toEqual(study);
    const { record, cells } = study;
    expect(cells.map(({ id }) => id)).toEqual(['one-off-seed-1', 'phased-seed-1', 'one-off-seed-2', 'phased-seed-2']);
    expect(record.inputs.data).toEqual({ [scored]: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect(Object.keys(record.inputs.models['models/tiny-llama']!)).toContain('model.safetensors');
    expect(record).toMatchObject({ budget: cells[0]!.planned.trainedTokens, extended: [], forced: [] });
    expect(record.analysis).toMatchObject({
      metric: 'held-out all',
      unit: 'nats',
      control: 'one-off',
      compare: ['phased'],
    });
    expect(new Set(cells.map(({ hash }) => hash)).size).toBe(4);
    expect(events.filter(({ type }) => type === 'prepare').at(-1)).toEqual({
      type: 'prepare',
      doing: 'plan',
      done: 4,
      of: 4,
    });
    for (const { recipe: given, planned } of cells) {
      const recipe = recipeSchema.parse({ ...given, data: join(out, String(given.data)) });
      const { plan, model } = await prepareRun(recipe);
      await model.close();
      const total = (of: 'steps' | 'tokens' | 'trainedTokens') =>
        plan.stages.reduce((n, { summary }) => n + summary[of], 0);
      expect(planned).toEqual({
        stages: plan.stages.length,
        steps: total('steps'),
        tokens: total('tokens'),
        trainedTokens: total('trainedTokens'),
      });
      expect(recipe.budget).toBe(record.budget);
    }
  });

  it('has the same cells and the same hash wherever and whenever it is begun', async () => {
    const { file, home, text, write } = studyHome();
    // Which type of product is faster is a matter of the machine.
    write(text.replace('maxLength: 128', 'maxLength: 128, precision: float32'));
    const [one, two] = [join(home, 'one'), join(home, 'two')];
    const first = await prepared({ file, out: one });
    const second = await prepared({ file, out: two, executor: 'command', parallel: 2 });
    expect(read(one, 'cells.jsonl')).toBe(read(two, 'cells.jsonl'));
    expect(first.study.record.hash).toBe(second.study.record.hash);
  });

  it('that was cut off before it was registered begins again, with whatever it is now', async () => {
    const { file, out, text, write } = studyHome();
    const { study } = await prepared({ file, out });
    const whole = read(out, 'cells.jsonl');
    rmSync(join(out, 'study.json'));
    writeFileSync(join(out, 'cells.jsonl'), whole.slice(0, 100));
    expect((await prepared({ file, out })).study.cells).toEqual(study.cells);
    expect(read(out, 'cells.jsonl')).toBe(whole);
    rmSync(join(out, 'study.json'));
    write(text.replace('holdout: 40', 'holdout: 30'));
    await prepared({ file, out });
    expect(read(out, 'holdouts', 'split-1.jsonl').trim().split('\n')).toHaveLength(30);
  });

  it('gives arms the budget of the study, or of the recipe, or what the control trains', async () => {
    const { file, out, home, text, write } = studyHome();
    write(text.replace('epochs: 1', 'budget: 9000'));
    expect((await prepared({ file, out: join(home, 'recipe') })).study.record.budget).toBe(9000);
    write(`${text}budget: 8000\n`);
    const { record, cells } = (await prepared({ file, out })).study;
    expect(record.budget).toBe(8000);
    for (const { recipe } of cells) {
      expect(recipe).toMatchObject({ budget: 8000 });
      expect(recipe).not.toHaveProperty('epochs');
    }
  });

  it('is refused where arms would not train on as many tokens', async () => {
    const { file, out, text, write } = studyHome();
    write(`${text.replace('{ order: phased }', '{ order: phased, batchRows: 16 }')}budget: 150\n`);
    const error = await refused(prepared({ file, out }));
    expect(error).toMatchObject({ code: 'usage' });
    expect(error.message).toMatch(
      /^arms would not train on as many tokens: (phased|one-off) on \d+, (phased|one-off) on \d+ on average, \d+\.\d % apart; expected at most 1 %\. A step has up to \d+ trained tokens, and a run ends with a whole one; raise `budget` so that a step is a smaller part of it, or make steps smaller \(`batchRows` or `accumulate` of the recipe\)$/,
    );
    expect(existsSync(join(out, 'study.json'))).toBe(false);
  });

  it('is refused in a folder with something else in it', async () => {
    const { file, out } = studyHome();
    mkdirSync(out);
    writeFileSync(join(out, 'mine.txt'), '');
    const error = await refused(prepared({ file, out }));
    expect(error.message).toBe(
      `${out} is not empty, and there is no study in it (no study.json; there is mine.txt); set \`out\` to another folder`,
    );
  });

  it('is refused without held-out rows where their loss is compared', async () => {
    const { file, out, home, text, write } = studyHome();
    await prepared({ file, out: join(home, 'first') });
    const staged = join(home, 'first', 'staged', 'split-1-3-stages');
    const manifest = JSON.parse(read(staged, 'manifest.json'));
    writeFileSync(join(staged, 'holdout.jsonl'), '');
    const none = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
    writeFileSync(
      join(staged, 'manifest.json'),
      JSON.stringify({ ...manifest, holdout: { ...manifest.holdout, sha256: none, rows: 0 } }),
    );
    write(text.replace(/\{ scored.*\}/, `{ staged: ${staged} }`));
    const error = await refused(prepared({ file, out }));
    expect(error.message).toMatch(/^one-off-seed-1: no rows are held out of what it trains on/);
  });

  it('names the cell in an error of its plan', async () => {
    const { file, out, text, write } = studyHome();
    write(text.replace('{ order: phased }', '{ order: phased, lora: { targets: [nothing] } }'));
    const error = await refused(prepared({ file, out }));
    expect(error.message).toMatch(/^phased-seed-1: `lora.targets`: "nothing" matches no projection/);
  });
});

describe('a registered study', () => {
  it('continues with the same file, and takes where cells run from it', async () => {
    const { file, out, text, write } = studyHome();
    const { study } = await prepared({ file, out });
    const files = () => [read(out, 'study.json'), read(out, 'cells.jsonl')];
    const before = files();
    write(`${text}executor: { kind: command, command: run }\nfailures: { retries: 5 }\n`);
    const again = await prepared({ file, out, parallel: 3 });
    expect(again.study.cells).toEqual(study.cells);
    expect(again.study.record.study).toMatchObject({
      executor: { kind: 'command', parallel: 3 },
      failures: { retries: 5 },
    });
    expect(again.study.record.hash).toBe(study.record.hash);
    expect(files()).toEqual(before);
  });

  it('is refused with every difference', async () => {
    const { file, out, text, write, scored } = studyHome();
    await prepared({ file, out });
    write(
      text
        .replace('maxLength: 128', 'maxLength: 120')
        .replace('{ order: phased }', '{ order: phased, within: score }')
        .replace('seeds: 2', 'seeds: 3\nalpha: 0.1'),
    );
    appendFileSync(scored, '\n');
    const error = await refused(prepared({ file, out, extend: true, force: true }));
    expect(error).toMatchObject({ code: 'usage' });
    expect(error.message.replace(/[0-9a-f]{12}\.\.\./g, 'HASH')).toBe(
      `${out}: the study there differs from this one: base.maxLength was 128, is 120; alpha was 0.05, is 0.1; arms.phased.within was not given, is "score"; ${scored} was "HASH", is "HASH"; added: seed 3; set \`out\` to another folder`,
    );
  });

  it('is refused with fewer seeds, arms or values', async () => {
    const { file, out, text, write } = studyHome();
    write(`${text.replace('seeds: 2', 'seeds: [1, 2, 5]')}axes: { lora.rank: [2, 4] }\n`);
    await prepared({ file, out });
    write(`${text.replace('seeds: 2', 'seeds: [1, 5]')}axes: { lora.rank: [2] }\n`);
    const error = await refused(prepared({ file, out, extend: true }));
    expect(error.message).toContain('axes.lora.rank.4 was 4, is not given; seeds was [1,2,5], is [1,5]');
  });

  it('with other inputs continues by force alone, which is recorded', async () => {
    const { file, out, scored } = studyHome();
    const { study } = await prepared({ file, out });
    appendFileSync(scored, '\n');
    const error = await refused(prepared({ file, out }));
    expect(error.message).toMatch(
      /^\S+: the study there differs from this one: \S+scored\.jsonl was "[0-9a-f]{12}\.\.\.", is "[0-9a-f]{12}\.\.\."; set `force` to continue all the same; the results will say so, or set `out` to another folder$/,
    );
    const forced = await prepared({ file, out, force: true });
    const { record } = forced.study;
    expect(record.forced).toEqual([
      { time: expect.any(String), changes: [expect.stringContaining('scored.jsonl was')] },
    ]);
    expect(record.inputs.data[scored]).not.toBe(study.record.inputs.data[scored]);
    expect(record.hash).toBe(study.record.hash);
    expect(forced.events).toContainEqual({
      type: 'warning',
      message: expect.stringMatching(/^`force`: \S+scored\.jsonl was/),
    });
    // From now on these are its inputs.
    expect((await prepared({ file, out })).study.record).toEqual(record);
  });

  it('names an input that is gone, and a version that is another', async () => {
    const { file, out, scored } = studyHome();
    await prepared({ file, out });
    rmSync(scored);
    const record = JSON.parse(read(out, 'study.json'));
    writeFileSync(
      join(out, 'study.json'),
      JSON.stringify({ ...record, versions: { ...record.versions, node: 'v1.0.0' } }),
    );
    const error = await refused(prepared({ file, out }));
    expect(error.message).toMatch(
      /scored\.jsonl was "[0-9a-f]{12}\.\.\.", is not given; version\.node was "v1\.0\.0", is "v/,
    );
  });

  it('is refused where a set of it changed', async () => {
    const { file, out } = studyHome();
    await prepared({ file, out });
    appendFileSync(join(out, 'staged', 'split-1-3-stages', 'stage-1.jsonl'), '\n');
    expect((await refused(prepared({ file, out }))).message).toMatch(/stage-1\.jsonl: changed since it was staged/);
  });
});

describe('a study is extended', () => {
  it('by seeds, splits, arms and values, in block order after the cells that it has', async () => {
    const { file, out, text, write } = studyHome();
    write(`${text}axes: { lora.rank: [2] }\n`);
    const { study } = await prepared({ file, out });
    const before = read(out, 'cells.jsonl');
    write(
      `${text.replace('seeds: 2', 'seeds: 3').replace('holdout: 40', 'holdout: 40, splits: 2').replace('{ order: phased }', '{ order: phased }\n  random: { order: random }')}axes: { lora.rank: [2, 4] }\n`,
    );
    const asked = await refused(prepared({ file, out }));
    expect(asked.message).toBe(
      `${out}: the study there differs from this one: added: arm random, lora.rank 4, seed 3, split 2; set \`extend\` to add to it; the results will say so, or set \`out\` to another folder`,
    );
    const { record, cells } = (await prepared({ file, out, extend: true })).study;
    expect(read(out, 'cells.jsonl').startsWith(before)).toBe(true);
    expect(cells).toHaveLength(3 * 2 * 3 * 2);
    expect(cells.map(({ index }) => index)).toEqual(cells.map((_, i) => i + 1));
    expect(cells.slice(0, 4)).toEqual(study.cells);
    expect(cells.slice(4, 12).map(({ id }) => id)).toEqual([
      '2-random-seed-1-split-1',
      '4-one-off-seed-1-split-1',
      '4-phased-seed-1-split-1',
      '4-random-seed-1-split-1',
      '2-random-seed-2-split-1',
      '4-one-off-seed-2-split-1',
      '4-phased-seed-2-split-1',
      '4-random-seed-2-split-1',
    ]);
    expect(record.extended).toEqual([
      { time: expect.any(String), added: ['arm random', 'lora.rank 4', 'seed 3', 'split 2'], done: 0 },
    ]);
    expect(record).toMatchObject({
      budget: study.record.budget,
      hash: study.record.hash,
      analysis: { compare: ['phased', 'random'] },
      study: { seeds: [1, 2, 3] },
    });
    expect((await prepared({ file, out })).study).toEqual({ folder: out, record, cells });
    expect(new Set(cells.map((cell) => hashOf(cell.recipe))).size).toBe(cells.length);
  });

  it('again from the start where it was cut off between its two files', async () => {
    const { file, out, home, text, write } = studyHome();
    await prepared({ file, out });
    const registered = read(out, 'study.json');
    write(text.replace('seeds: 2', 'seeds: 3'));
    await prepared({ file, out, extend: true });
    const cells = read(out, 'cells.jsonl');
    writeFileSync(join(out, 'study.json'), registered);
    // Nothing was added yet, for whoever reads it.
    expect((await readStudy(out)).cells).toHaveLength(4);
    write(text);
    expect((await prepared({ file, out })).study.cells).toHaveLength(4);
    write(text.replace('seeds: 2', 'seeds: [1, 2, 7]'));
    const other = await prepared({ file, out, extend: true });
    expect(other.study.cells.map(({ id }) => id).slice(4)).toEqual(['one-off-seed-7', 'phased-seed-7']);
    writeFileSync(join(out, 'study.json'), registered);
    write(text.replace('seeds: 2', 'seeds: 3'));
    await prepared({ file, out, extend: true });
    expect(read(out, 'cells.jsonl')).toBe(cells);
    expect(home).toBeTruthy();
  });

  it('says so where cells of the study are missing', async () => {
    const { file, out } = studyHome();
    await prepared({ file, out });
    const [first] = read(out, 'cells.jsonl').split('\n');
    writeFileSync(join(out, 'cells.jsonl'), `${first}\n`);
    expect((await refused(prepared({ file, out }))).message).toMatch(
      /cells\.jsonl: expected 4 cells, found 1; was it changed or cut off\?$/,
    );
  });

  it('keeps what it was where it is copied', async () => {
    const { file, out, home } = studyHome();
    const { study } = await prepared({ file, out });
    const copy = join(home, 'copy');
    mkdirSync(copy);
    for (const name of ['study.json', 'cells.jsonl']) copyFileSync(join(out, name), join(copy, name));
    expect((await readStudy(copy)).cells).toEqual(study.cells);
  });
});
