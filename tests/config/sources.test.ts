import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { jsonSchemaOf } from '../../src/config/from-zod.js';
import { resolveLayers } from '../../src/config/layers.js';
import { assignmentLayer, environmentLayer, hasForeignVariable, recipeLayer } from '../../src/config/sources.js';

const schema = z.strictObject({
  maxLength: z.number().int(),
  order: z.enum(['phased', '1']),
  thresholds: z.array(z.number()),
  targets: z.union([z.literal('all-linear'), z.array(z.string())]),
  replay: z.union([z.number(), z.array(z.number())]),
  prompt: z.array(z.string()).meta({ repeat: true }),
  stages: z.array(z.strictObject({ epochs: z.number().optional() })),
  betas: z.tuple([z.number(), z.number()]),
  lora: z.strictObject({ rank: z.number().int(), useRslora: z.boolean() }),
  cap: z.number().nullable(),
  loadIn8bit: z.boolean(),
  name: z.string(),
  extra: z.record(z.string(), z.number()),
});
const json = jsonSchemaOf(schema);

describe('--set', () => {
  it.each([
    ['maxLength=512', { maxLength: 512 }],
    ['maxLength=5e2', { maxLength: 500 }],
    ['maxLength=', { maxLength: '' }],
    ['maxLength=12x', { maxLength: '12x' }],
    ['maxLength=Infinity', { maxLength: 'Infinity' }],
    ['order=1', { order: '1' }],
    ['name=1', { name: '1' }],
    ['name=a=b', { name: 'a=b' }],
    ['thresholds=3.5, 4.5', { thresholds: [3.5, 4.5] }],
    ['thresholds=', { thresholds: [] }],
    ['thresholds=[1,2]', { thresholds: [1, 2] }],
    ['targets=all-linear', { targets: 'all-linear' }],
    ['targets=q_proj', { targets: ['q_proj'] }],
    ['replay=0.2', { replay: 0.2 }],
    ['replay=0,0.2', { replay: [0, 0.2] }],
    ['prompt=a, b', { prompt: ['a, b'] }],
    ['stages=[{},{"epochs":2}]', { stages: [{}, { epochs: 2 }] }],
    ['betas=0.9,0.95', { betas: [0.9, 0.95] }],
    ['lora.useRslora=true', { lora: { useRslora: true } }],
    ['lora.useRslora=yes', { lora: { useRslora: 'yes' } }],
    ['cap=none', { cap: null }],
    ['cap=3', { cap: 3 }],
    ['extra.a=3', { extra: { a: 3 } }],
    ['unknown.key=3', { unknown: { key: '3' } }],
  ])('%s', (text, values) => {
    expect(assignmentLayer(json, [text], '--set').values).toEqual(values);
  });

  it.each(['maxLength', '=3', ''])('refuses %j, which is no key=value', (text) => {
    expect(() => assignmentLayer(json, [text], '--set')).toThrow(
      `--set: expected key=value such as lora.rank=16, got "${text}"`,
    );
  });
});

describe('environment', () => {
  it('reads capitals with _ between words and __ between levels, and nothing else', () => {
    const layer = environmentLayer(json, {
      PHASETUNE_MAX_LENGTH: '9',
      PHASETUNE_LORA__USE_RSLORA: 'true',
      PHASETUNE_LOAD_IN_8BIT: 'true',
      PHASETUNE_HOME: '/cache',
      PHASETUNE_CHROMIUM: '/usr/bin/chromium',
      PHASETUNE_TENSORBOARD_PYTHON: 'python3',
      PHASETUNE_TRL_PYTHON: 'python3',
      PHASETUNE_PYTHON: 'python3',
      PHASETUNE_TEST_DEVICE: 'cpu',
      MAX_LENGTH: '1',
      PHASETUNE_CAP: undefined,
    });
    expect(layer.values).toEqual({ maxLength: 9, lora: { useRslora: true }, loadIn8bit: true });
    expect(layer.where(['lora', 'useRslora'])).toBe('PHASETUNE_LORA__USE_RSLORA');
    expect(layer.where(['loadIn8bit'])).toBe('PHASETUNE_LOAD_IN_8BIT');
  });

  it('refuses a name that stands for no option, within a mapping by its own spelling later', () => {
    expect(() => environmentLayer(json, { PHASETUNE_MAX_LENGHT: '9' })).toThrow(
      'PHASETUNE_MAX_LENGHT: unknown option (did you mean "PHASETUNE_MAX_LENGTH"?)',
    );
    expect(() => environmentLayer(json, { PHASETUNE_ZZZ__A: '9' })).toThrow(
      /^PHASETUNE_ZZZ__A: unknown option; options are PHASETUNE_MAX_LENGTH, .*, PHASETUNE_LORA__RANK, /,
    );
    const layer = environmentLayer(json, { PHASETUNE_LORA__RNK: '9' });
    expect(layer.values).toEqual({ lora: { rnk: '9' } });
    expect(layer.where(['lora', 'rnk'])).toBe('PHASETUNE_LORA__RNK');
  });

  it('leaves out what is an option of another command only', () => {
    const other = jsonSchemaOf(
      z.strictObject({ kills: z.number(), name: z.string(), judge: z.strictObject({ model: z.string() }) }),
    );
    const variables = { PHASETUNE_KILLS: '3', PHASETUNE_NAME: 'a', PHASETUNE_JUDGE__MODEL: 'm' };
    expect(environmentLayer(json, variables, [other]).values).toEqual({ name: 'a' });
    expect(hasForeignVariable(json, variables)).toBe(true);
    expect(hasForeignVariable(json, { PHASETUNE_NAME: 'a', PHASETUNE_HOME: '/cache' })).toBe(false);
    expect(() => environmentLayer(json, { PHASETUNE_KILS: '3' }, [other])).toThrow('(did you mean "PHASETUNE_KILLS"?)');
  });
});

describe('recipe file', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'recipe-'));
  });
  afterAll(() => rm(folder, { recursive: true }));
  const write = async (name: string, text: string) => {
    const path = join(folder, name);
    await writeFile(path, text);
    return path;
  };

  it('reads YAML and names the line of a key', async () => {
    const path = await write(
      'a.yaml',
      'maxLength: 7\n# why\nlora:\n  rank: 3\nstages:\n  - epochs: 1\n  - epochs: 2\n',
    );
    const layer = await recipeLayer(path);
    expect(layer.values).toEqual({ maxLength: 7, lora: { rank: 3 }, stages: [{ epochs: 1 }, { epochs: 2 }] });
    expect(layer.where(['lora', 'rank'])).toBe(`${path}:4: lora.rank`);
    expect(layer.where(['stages', 1, 'epochs'])).toBe(`${path}:7: stages.1.epochs`);
  });

  it('reads JSON', async () => {
    const layer = await recipeLayer(
      await write('a.json', '{"$schema": "recipe.schema.json", "maxLength": 7,\n "lora": {"rank": 3}}'),
    );
    expect(layer.values).toEqual({ maxLength: 7, lora: { rank: 3 } });
  });

  it('takes an empty file as a recipe that says nothing', async () => {
    expect((await recipeLayer(await write('empty.yaml', '# nothing yet\n'))).values).toEqual({});
  });

  it.each([
    ['list.yaml', '- a\n', /list\.yaml: expected a mapping of options, got \["a"\]$/],
    ['broken.yaml', 'a: 1\nb: [1, 2\n', /broken\.yaml:3: /],
    ['infinity.yaml', '.inf\n', /infinity\.yaml: expected a mapping of options, got Infinity$/],
    [
      'documents.yaml',
      'a: 1\n---\nb: 2\n',
      /documents\.yaml:2: a second document starts here; expected the options of one run in one document, without `---` between them$/,
    ],
    ['twice.yaml', 'a: 1\nb: 2\na: 3\n', /twice\.yaml:3: /],
    ['tab.yaml', 'lora:\n\trank: 3\n', /tab\.yaml:2: /],
  ])('refuses %s', async (name, text, message) => {
    await expect(recipeLayer(await write(name, text))).rejects.toThrow(message);
  });

  const bomb = ['b', 'c', 'd', 'e', 'f', 'g', 'h'].reduce(
    (text, name, i) => `${text}${name}: &${name} [${`*${'abcdefgh'[i]},`.repeat(9)}]\n`,
    'a: &a [x, x, x, x, x, x, x, x, x]\n',
  );
  it.each([
    ['aliases that multiply', bomb, /Excessive alias count/],
    ['an alias of nothing', 'lora: *nothing\n', /hostile\.yaml: .*[Aa]lias/],
    ['an alias of what it is in', 'lora: &a [*a]\n', /hostile\.yaml/],
    ['lists ten thousand deep', `lora: ${'['.repeat(10_000)}`, /hostile\.yaml: .*(nested too deep|takes too long)/],
    ['mappings thirty deep', `lora: ${'{a: '.repeat(30)}1${'}'.repeat(30)}`, /nested deeper than 20 levels/],
    [
      'more keys than can be compared',
      Array.from({ length: 7000 }, (_, i) => `k${i}: 1\n`).join(''),
      /reading it takes too long|at most 65536 are read/,
    ],
    ['two megabytes', `model: ${'x'.repeat(2 << 20)}`, /hostile\.yaml: 2097159 bytes; at most 65536 are read/],
    ['binary data', 'model: !!binary "aGVsbG8="\n', /a value with a YAML tag/],
    ['a set', 'model: !!set {a, b}\n', /a value with a YAML tag/],
    ['bytes that are no UTF-8', Buffer.from([0x61, 0x3a, 0x20, 0xff]), /hostile\.yaml: expected UTF-8 text/],
  ])('refuses %s with one line', async (_, text, message) => {
    const path = join(folder, 'hostile.yaml');
    await writeFile(path, text);
    const error = await recipeLayer(path).then(
      () => expect.fail('it was taken'),
      (thrown: unknown) => thrown as Error,
    );
    expect(error).toMatchObject({ name: 'PhasetuneError', message: expect.stringMatching(message) });
  });

  it.each(['__proto__', 'constructor', 'prototype', '<<'])('refuses the key %s as any unknown one', async (key) => {
    const layer = await recipeLayer(await write('key.yaml', `${key}: {polluted: true}\n`));
    expect(() => resolveLayers(schema, json, [layer])).toThrow(`key.yaml:1: ${key}: unknown option`);
    expect(() => resolveLayers(schema, json, [assignmentLayer(json, [`${key}.polluted=true`], '--set')])).toThrow(
      `--set ${key}: unknown option`,
    );
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  it('tells a missing file', async () => {
    await expect(recipeLayer(join(folder, 'none.yaml'))).rejects.toThrow(/none\.yaml: no such file/);
  });
});
