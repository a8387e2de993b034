import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { jsonSchemaOf } from '../../src/config/from-zod.js';
import { type Layer, resolveLayers } from '../../src/config/layers.js';
import { assignmentLayer, environmentLayer } from '../../src/config/sources.js';
import { PhasetuneError } from '../../src/core/errors.js';

const schema = z.strictObject({
  rate: z.number().positive().default(0.5).describe('Rate of it'),
  out: z.string().min(1).default('out'),
  order: z.enum(['phased', 'random']).default('phased'),
  betas: z.tuple([z.number(), z.number()]).default([0.9, 0.99]),
  lora: z
    .strictObject({
      rank: z.number().int().min(1).max(64).default(8),
      targets: z.union([z.literal('all-linear'), z.array(z.string())]).default('all-linear'),
      useBias: z.boolean().default(false),
    })
    .prefault({}),
  stages: z.array(z.strictObject({ epochs: z.number().positive().optional() })).default([]),
  cap: z.number().int().nullable().default(null),
});
const json = jsonSchemaOf(schema);
const file = (values: Record<string, unknown>): Layer => ({
  values,
  where: (path) => `recipe.yaml:7: ${path.join('.')}`,
});
const resolve = (...layers: Layer[]) => resolveLayers(schema, json, layers);

function failure(work: () => unknown): PhasetuneError {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(PhasetuneError);
    return error as PhasetuneError;
  }
  throw new Error('expected a usage error, nothing was thrown');
}

describe('layers of options', () => {
  it('lets the later layer win key by key, through nested mappings', () => {
    const layers = [
      file({ rate: 1, out: 'file', lora: { rank: 1, useBias: true } }),
      environmentLayer(json, { PHASETUNE_LORA__RANK: '2', PHASETUNE_OUT: 'environment' }),
      assignmentLayer(json, ['lora.rank=3'], '--set'),
      { values: { lora: { rank: 4 } }, where: () => '' },
    ];
    const ranks = layers.map((_, count) => resolve(...layers.slice(0, count + 1)).lora.rank);
    expect(ranks).toEqual([1, 2, 3, 4]);
    expect(resolve(...layers)).toMatchObject({ rate: 1, out: 'environment', lora: { rank: 4, useBias: true } });
  });

  it('replaces lists whole and does not write into a layer', () => {
    const first = file({ lora: { targets: ['q_proj', 'k_proj'] } });
    const second = assignmentLayer(json, ['lora.targets=v_proj', 'lora.rank=2'], '--set');
    expect(resolve(first, second).lora.targets).toEqual(['v_proj']);
    expect(first.values).toEqual({ lora: { targets: ['q_proj', 'k_proj'] } });
  });

  it('fills in the defaults of what no layer says', () => {
    expect(resolve(file({}))).toEqual({
      rate: 0.5,
      out: 'out',
      order: 'phased',
      betas: [0.9, 0.99],
      lora: { rank: 8, targets: 'all-linear', useBias: false },
      stages: [],
      cap: null,
    });
  });
});

describe('options refused', () => {
  it.each([
    [{ lora: { rnak: 3 } }, 'recipe.yaml:7: lora.rnak: unknown option (did you mean "rank"?)'],
    [
      { learningRate: 3 },
      'recipe.yaml:7: learningRate: unknown option; known here: rate, out, order, betas, lora, stages, cap',
    ],
    [{ stages: [{}, { epoch: 1 }] }, 'recipe.yaml:7: stages.1.epoch: unknown option (did you mean "epochs"?)'],
    [{ lora: { rank: 0 } }, 'recipe.yaml:7: lora.rank: expected whole number from 1 to 64, got 0'],
    [{ lora: { rank: 1.5 } }, 'recipe.yaml:7: lora.rank: expected whole number from 1 to 64, got 1.5'],
    [{ lora: 8 }, 'recipe.yaml:7: lora: expected mapping of rank, targets, useBias, got 8'],
    [{ order: 'rising' }, 'recipe.yaml:7: order: expected one of phased, random, got "rising"'],
    [{ rate: 'fast' }, 'recipe.yaml:7: rate: expected number above 0, got "fast"'],
    [{ rate: null }, 'recipe.yaml:7: rate: expected number above 0, got null'],
    [{ out: '' }, 'recipe.yaml:7: out: expected non-empty text, got ""'],
    [{ betas: [0.9] }, 'recipe.yaml:7: betas: expected list of 2: number, number, got [0.9]'],
    [{ lora: { targets: 7 } }, 'recipe.yaml:7: lora.targets: expected all-linear or list of texts, got 7'],
    [{ lora: { targets: ['q_proj', 7] } }, 'recipe.yaml:7: lora.targets.1: expected text, got 7'],
    [{ cap: 'x' }, 'recipe.yaml:7: cap: expected whole number or null, got "x"'],
    [
      { toString: 1 },
      'recipe.yaml:7: toString: unknown option; known here: rate, out, order, betas, lora, stages, cap',
    ],
  ])('%j', (values, message) => {
    const error = failure(() => resolve(file(values)));
    expect(error.message).toBe(message);
    expect(error.code).toBe('usage');
  });

  it('names the layer that the bad value came from, not the last one', () => {
    const error = failure(() => resolve(file({ lora: { rank: 99 } }), assignmentLayer(json, ['rate=2'], '--set')));
    expect(error.message).toMatch(/^recipe\.yaml:7: lora\.rank: /);
  });

  it('says what a missing option is for', () => {
    const strict = z.strictObject({ model: z.string().describe('Folder of the model') });
    const flags: Layer = { values: {}, where: (path) => `--${path.join('.')}` };
    const error = failure(() => resolveLayers(strict, jsonSchemaOf(strict), [flags]));
    expect(error.message).toBe('--model is missing: expected text (Folder of the model)');
  });

  it("passes a schema's own words on", () => {
    const odd = z.strictObject({ warmup: z.number().refine((n) => n < 1, 'expected a share under 1') });
    const error = failure(() => resolveLayers(odd, jsonSchemaOf(odd), [file({ warmup: 3 })]));
    expect(error.message).toBe('recipe.yaml:7: warmup: expected a share under 1, got 3');
  });
});

describe('the words of a refusal', () => {
  const message = (values: Record<string, unknown>) => failure(() => resolve(file(values))).message;

  it.each([
    [{ rate: Number.POSITIVE_INFINITY }, 'rate: expected finite number above 0, got Infinity'],
    [{ rate: Number.NaN }, 'rate: expected finite number above 0, got NaN'],
    [{ betas: [Number.NEGATIVE_INFINITY, 1] }, 'betas.0: expected finite number, got -Infinity'],
    [{ order: [Number.NaN] }, 'order: expected one of phased, random, got ["NaN"]'],
    [{ rate: null }, 'rate: expected number above 0, got null'],
  ])('show what came as it came: %o', (values, words) => {
    expect(message(values)).toBe(`recipe.yaml:7: ${words}`);
  });

  it.each([
    [{ use_bias: true }, 'use_bias: unknown option (did you mean "lora.useBias"?)'],
    [{ rank: 3 }, 'rank: unknown option (did you mean "lora.rank"?)'],
    [{ lora_rank: 3 }, 'lora_rank: unknown option (did you mean "lora.rank"?)'],
    [{ lora: { rate: 3 } }, 'lora.rate: unknown option (did you mean "rate"?)'],
    [{ lora: { rnk: 3 } }, 'lora.rnk: unknown option (did you mean "rank"?)'],
    [{ stages: [{ Order: 3 }] }, 'stages.0.Order: unknown option (did you mean "order"?)'],
    [{ zzz: 3 }, 'zzz: unknown option; known here: rate, out, order, betas, lora, stages, cap'],
  ])('name the option that lies in another mapping: %o', (values, words) => {
    expect(message(values)).toBe(`recipe.yaml:7: ${words}`);
  });

  it('say once that something was expected, and nothing of patterns', () => {
    const formats = z.strictObject({
      size: z
        .string()
        .regex(/^\d+GiB$/, 'expected a size such as 8GiB')
        .optional(),
      hub: z.url().optional(),
    });
    const refused = (values: Record<string, unknown>) =>
      failure(() => resolveLayers(formats, jsonSchemaOf(formats), [file(values)])).message;
    expect(refused({ size: '8gb' })).toBe('recipe.yaml:7: size: expected a size such as 8GiB, got "8gb"');
    expect(refused({ hub: 'foo' })).toBe(
      'recipe.yaml:7: hub: expected an address such as https://example.org, got "foo"',
    );
  });
});
