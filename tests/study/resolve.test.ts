import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { blockOf, groupOf } from '../../src/study/cell.js';
import { resolveStudy } from '../../src/study/resolve.js';
import { temporaryFolder } from '../helpers/folder.js';

const GOOD = `base: { model: models/tiny-llama, epochs: 1 }
data: { scored: rows.jsonl }
arms:
  one-off: { order: one-off }
  phased: { order: phased }
control: one-off
`;

const folder = temporaryFolder('study-file');
const file = join(folder, 'study.yaml');

async function resolve(text: string) {
  writeFileSync(file, text);
  return resolveStudy(file);
}

const problemOf = (text: string): Promise<string> =>
  resolve(text).then(
    () => 'taken',
    (error: Error & { code?: string }) => {
      expect(error.code).toBe('usage');
      return error.message.replaceAll(file, 'study.yaml');
    },
  );

describe('a study file', () => {
  it('becomes cells block by block, in them groups of axes, in these the arms', async () => {
    const { cells, sets } = await resolve(
      `${GOOD}seeds: [3, 5]\naxes: { lora.rank: [4, 8], scored: { llm: rows.jsonl, ifd: ifd.jsonl } }\n`,
    );
    expect(cells.map(({ index, id }) => `${index} ${id}`)).toEqual([
      '1 4-llm-one-off-seed-3',
      '2 4-llm-phased-seed-3',
      '3 4-ifd-one-off-seed-3',
      '4 4-ifd-phased-seed-3',
      '5 8-llm-one-off-seed-3',
      '6 8-llm-phased-seed-3',
      '7 8-ifd-one-off-seed-3',
      '8 8-ifd-phased-seed-3',
      '9 4-llm-one-off-seed-5',
      '10 4-llm-phased-seed-5',
      '11 4-ifd-one-off-seed-5',
      '12 4-ifd-phased-seed-5',
      '13 8-llm-one-off-seed-5',
      '14 8-llm-phased-seed-5',
      '15 8-ifd-one-off-seed-5',
      '16 8-ifd-phased-seed-5',
    ]);
    expect(cells.map((cell) => cell.recipe.seed)).toEqual(cells.map((cell) => cell.seed));
    expect(new Set(cells.slice(0, 8).map(blockOf))).toEqual(new Set(['seed 3, split 1']));
    expect(groupOf(cells[2]!)).toBe('lora.rank=4, scored=ifd');
    expect(cells[5]!.recipe).toMatchObject({
      model: 'models/tiny-llama',
      order: 'phased',
      data: 'staged/split-1-3-stages',
      out: 'cells/8-llm-phased-seed-3/run',
      lora: { rank: 8, alpha: 16 },
    });
    expect(sets.map(({ name, holdout }) => [name, holdout])).toEqual([
      ['split-1-3-stages', 'split-1'],
      ['split-1-ifd-3-stages', 'split-1'],
    ]);
  });

  it('has every option decided, and the recipe in it', async () => {
    writeFileSync(
      join(folder, 'recipe.yaml'),
      'model: models/tiny-llama\ndata: unused\nout: unused\nseed: 4\nlora: {rank: 2}\n',
    );
    const { study } = await resolve(
      `${GOOD.replace('{ model: models/tiny-llama, epochs: 1 }', join(folder, 'recipe.yaml'))}expand: { phased: { stages: [2, 5] } }\naxes: { optim.learningRate: [0.001] }\n`,
    );
    expect(study).toMatchObject({
      base: { model: 'models/tiny-llama', lora: { rank: 2, alpha: 16 }, order: 'phased' },
      arms: { 'phased-2': { order: 'phased', stage: { stages: 2 } }, 'phased-5': { stage: { stages: 5 } } },
      expand: {},
      axes: { 'optim.learningRate': { '0-001': 0.001 } },
      seeds: [1, 2, 3, 4, 5, 6],
      compare: ['phased', 'phased-2', 'phased-5'],
      data: { holdout: 300, splits: 1 },
    });
    for (const key of ['data', 'out', 'seed']) expect(study.base).not.toHaveProperty(key);
  });

  it('draws a hold-out for each split, and one for each data set', async () => {
    const { cells, sets, setOptions } = await resolve(
      `${GOOD.replace('{ scored: rows.jsonl }', '{ holdout: 0.1, splits: 2, unscored: drop }')}axes: { dataset: [alpaca.jsonl, b/dolly.json] }\nseeds: 1\n`,
    );
    expect(cells.map(({ id, set }) => [id, set])).toEqual([
      ['alpaca-one-off-seed-1-split-1', 'alpaca-split-1-3-stages'],
      ['alpaca-phased-seed-1-split-1', 'alpaca-split-1-3-stages'],
      ['dolly-one-off-seed-1-split-1', 'dolly-split-1-3-stages'],
      ['dolly-phased-seed-1-split-1', 'dolly-split-1-3-stages'],
      ['alpaca-one-off-seed-1-split-2', 'alpaca-split-2-3-stages'],
      ['alpaca-phased-seed-1-split-2', 'alpaca-split-2-3-stages'],
      ['dolly-one-off-seed-1-split-2', 'dolly-split-2-3-stages'],
      ['dolly-phased-seed-1-split-2', 'dolly-split-2-3-stages'],
    ]);
    expect(sets.map(({ holdout, split, rows }) => [holdout, split, rows])).toEqual([
      ['alpaca-split-1', 1, 'alpaca.jsonl'],
      ['dolly-split-1', 1, 'b/dolly.json'],
      ['alpaca-split-2', 2, 'alpaca.jsonl'],
      ['dolly-split-2', 2, 'b/dolly.json'],
    ]);
    expect(setOptions).toEqual({ holdout: 0.1, nearDuplicates: 0.8, unscored: 'drop' });
  });

  it('gives arms their cuts, with what they do not change from the study', async () => {
    const { cells, sets } = await resolve(
      GOOD.replace(
        '{ scored: rows.jsonl }',
        '{ scored: rows.jsonl, stage: { thresholds: [3, 4], ties: together } }',
      ).replace(
        '{ order: phased }',
        '{ order: phased, stage: { by: tokens, stages: 2 } }\n  natural: { stage: { by: jenks } }\n  other: { scored: b/rows.jsonl }\n  third: { scored: c/rows.jsonl }',
      ),
    );
    const nameOf = (arm: string) => cells.find((cell) => cell.arm === arm)!.set!;
    expect(nameOf('one-off')).toBe('split-1-at-3-4-together-3-stages');
    expect(nameOf('phased')).toBe('split-1-tokens-together-2-stages');
    expect(nameOf('natural')).toBe('split-1-jenks-together-3-stages');
    // Two files of one name.
    expect(nameOf('other')).toMatch(/^split-1-rows-at-3-4-together-3-stages-[0-9a-f]{6}$/);
    expect(nameOf('third')).toMatch(/^split-1-rows-at-3-4-together-3-stages-[0-9a-f]{6}$/);
    expect(new Set(sets.map(({ name }) => name)).size).toBe(5);
    expect(sets[1]!.stage).toEqual({ by: 'tokens', stages: 2, ties: 'together' });
  });

  it('takes the staged folder of its recipe, and trains on it as it is', async () => {
    const { cells, sets, study } = await resolve(
      GOOD.replace('epochs: 1', 'data: staged').replace('data: { scored: rows.jsonl }\n', ''),
    );
    expect(study.data?.staged).toBe('staged');
    expect([sets, cells[0]!.set, cells[0]!.recipe.data]).toEqual([[], null, 'staged']);
  });
});

const phased = (overrides: string) => GOOD.replace('{ order: phased }', overrides);
const data = (values: string) => GOOD.replace('{ scored: rows.jsonl }', values);

describe('a study file is refused', () => {
  it.each([
    ['an unknown key', `${GOOD}seds: 3\n`, 'study.yaml:7: seds: unknown option (did you mean "seeds"?)'],
    [
      'an unknown option of an arm',
      phased('{ ordr: phased }'),
      'study.yaml:5: arms.phased.ordr: unknown option (did you mean "order"?)',
    ],
    [
      'a value that an option does not take',
      phased('{ within: fased }'),
      'study.yaml:5: arms.phased.within: expected one of shuffle, score, got "fased"',
    ],
    [
      'a name that is none',
      GOOD.replace('phased:', 'Phased One:'),
      'study.yaml:5: arms.Phased One: expected 1 to 40 of a-z, 0-9 and -, starting with a letter or a digit, got "Phased One"',
    ],
    [
      'a single arm',
      GOOD.replace('  phased: { order: phased }\n', ''),
      'study.yaml:4: arms: expected at least two arms',
    ],
    [
      'seeds of an arm',
      phased('{ seed: 4 }'),
      'study.yaml:5: arms.phased.seed cannot be changed: the seeds are those of the study (`seeds`), the same for all arms',
    ],
    [
      'a folder of an arm',
      phased('{ out: here }'),
      'study.yaml:5: arms.phased.out cannot be changed: every cell has its own folder in that of the study',
    ],
    [
      'rows of an arm',
      phased('{ data: there }'),
      'study.yaml:5: arms.phased.data cannot be changed: all arms train on the same rows (`data` of the study; for other rows there is the axis `dataset`)',
    ],
    [
      'a length of an arm',
      phased('{ epochs: 4 }'),
      'study.yaml:5: arms.phased.epochs cannot be changed: all arms train on the same number of tokens (`budget` of the study)',
    ],
    [
      'resume of an arm',
      phased('{ resume: true }'),
      'study.yaml:5: arms.phased.resume cannot be changed: cells always continue where they stopped',
    ],
    [
      'an unknown option of a cut',
      phased('{ stage: { stges: 2 } }'),
      'study.yaml:5: arms.phased.stage.stges: unknown option (did you mean "stages"?)',
    ],
    [
      'too many stages',
      phased('{ stage: { stages: 9 } }'),
      'study.yaml:5: arms.phased.stage.stages: expected whole number from 2 to 6, got 9',
    ],
    [
      'a cut that cannot be',
      data('{ scored: a, stage: { thresholds: [3, 4] } }').replace('{ order: phased }', '{ stage: { stages: 2 } }'),
      'study.yaml:5: arms.phased.stage.thresholds: expected 1 for 2 stages, got 2 (3, 4)',
    ],
    [
      'a control that is no arm',
      GOOD.replace('control: one-off', 'control: oneoff'),
      'study.yaml:6: control: there is no arm "oneoff" (did you mean "one-off"?)',
    ],
    [
      'a comparison with no arm',
      `${GOOD}compare: [xyz]\n`,
      'study.yaml:7: compare: there is no arm "xyz"; arms are one-off, phased',
    ],
    [
      'the control compared with itself',
      `${GOOD}compare: [one-off]\n`,
      'study.yaml:7: compare: one-off is the control, which others are compared with',
    ],
    ['a comparison twice', `${GOOD}compare: [phased, phased]\n`, 'study.yaml:7: compare: phased is given twice'],
    ['a seed twice', `${GOOD}seeds: [1, 2, 1]\n`, 'study.yaml:7: seeds: 1 is given twice'],
    [
      'one run twice',
      `${GOOD}expand: { phased: { stages: [2, 3] } }\n`,
      'arm phased and arm phased-3 would be the same run twice; expected arms and values that differ in an option',
    ],
    [
      'one folder for two cells',
      `${GOOD.replace('phased:', 'b:').replace('one-off:', 'a-b:').replace('control: one-off', 'control: b')}axes: { lora.rank: { a: 1, a-a: 2 } }\n`,
      'arm a-b with lora.rank a and arm b with lora.rank a-a would both have the folder cells/a-a-b-seed-1; expected other names',
    ],
    [
      'no arm to expand',
      `${GOOD}expand: { phasd: { stages: [2] } }\n`,
      'study.yaml:7: expand.phasd: there is no arm "phasd" (did you mean "phased"?)',
    ],
    [
      'an expanded arm that is there',
      `${phased('{}\n  phased-2: {}')}expand: { phased: { stages: [2] } }\n`,
      'study.yaml:8: expand.phased: there is an arm phased-2 already',
    ],
    [
      'an axis that is no option',
      `${GOOD}axes: { lora.rnk: [1, 2] }\n`,
      'study.yaml:7: axes.lora.rnk: unknown option (did you mean "lora.rank"?); expected an option of the recipe, scored, dataset, or stage.stages',
    ],
    [
      'an axis of seeds',
      `${GOOD}axes: { seed: [1, 2] }\n`,
      'study.yaml:7: axes.seed cannot be changed: the seeds are those of the study (`seeds`), the same for all arms',
    ],
    [
      'a value of an axis',
      `${GOOD}axes: { lora.rank: [1, many] }\n`,
      'study.yaml:7: axes.lora.rank: expected whole number above 0, got "many"',
    ],
    [
      'a cut of an axis',
      `${GOOD}axes: { stage.stages: [1, 2] }\n`,
      'study.yaml:7: axes.stage.stages: expected whole number from 2 to 6, got 1',
    ],
    [
      'a value without a name',
      `${GOOD}axes: { lora.targets: [[q_proj], all-linear] }\n`,
      'study.yaml:7: axes.lora.targets: no name can be made of the value ["q_proj"]; expected values by name: {a-name: value}',
    ],
    [
      'two values of one name',
      `${GOOD}axes: { model: [a/m, b/m] }\n`,
      'study.yaml:7: axes.model: the values "a/m" and "b/m" would both be named m; expected values by name: {a-name: value}',
    ],
    [
      'both kinds of data',
      data('{ scored: a, staged: b }'),
      'study.yaml:2: data.scored: `data.staged` is given, and a staged folder has its own stages and hold-out; expected one of `data.scored` and `data.staged`',
    ],
    [
      'no data',
      data('{ holdout: 3 }'),
      'study.yaml:2: data: no rows are given; expected `data.scored` or `data.staged`',
    ],
    [
      'another cut of a staged folder',
      data('{ staged: b }').replace('{ order: phased }', '{ stage: { stages: 2 } }'),
      'study.yaml:5: arms.phased.stage: all cells train on the staged folder b as it is; expected `data.scored` instead',
    ],
    [
      'an axis over a staged folder',
      `${data('{ staged: b }')}axes: { stage.stages: [2, 3] }\n`,
      'study.yaml:7: axes.stage.stages: all cells train on the staged folder b as it is; expected `data.scored` instead',
    ],
    [
      'part of a row',
      data('{ scored: a, holdout: 2.5 }'),
      'study.yaml:2: data.holdout: expected a share below 1 or a whole number of rows, got 2.5',
    ],
    [
      'an unknown option of the recipe',
      GOOD.replace('epochs: 1', 'epoch: 1'),
      'study.yaml:1: base.epoch: unknown option (did you mean "epochs"?)',
    ],
    [
      'no model',
      GOOD.replace('model: models/tiny-llama, ', ''),
      'study.yaml:1: base.model is missing: expected non-empty text (Hugging Face folder of the base model)',
    ],
    [
      'a band that there is not',
      `${GOOD}metric: { held-out: band-4 }\n`,
      'study.yaml:7: metric.held-out: one-off has no band 4; it trains on 3 stages',
    ],
    [
      'an unknown executor',
      `${GOOD}executor: { kind: pbs }\n`,
      'study.yaml:7: executor.kind: expected one of local, command, slurm, kubernetes, got "pbs"',
    ],
    [
      'a second document',
      `${GOOD}---\n{}\n`,
      'study.yaml:7: a second document starts here; expected one study in one document, without `---` between them',
    ],
  ])('for %s', async (_, text, problem) => {
    expect(await problemOf(text)).toBe(problem);
  });

  it('with the place in the recipe file where the recipe is wrong', async () => {
    const recipe = join(folder, 'wrong.yaml');
    writeFileSync(recipe, 'model: models/tiny-llama\nlora: { rnk: 4 }\n');
    const text = GOOD.replace('{ model: models/tiny-llama, epochs: 1 }', recipe);
    expect(await problemOf(text)).toBe(`${recipe}:2: lora.rnk: unknown option (did you mean "rank"?)`);
  });
});
