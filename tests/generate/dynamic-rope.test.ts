import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { generateSpec } from '../../src/generate/cache.js';
import { generate } from '../../src/generate/generate.js';
import { generateOptions } from '../../src/generate/options.js';
import { type CacheShape, planDecode } from '../../src/generate/plan.js';
import { adaptedModel } from '../../src/lora/adapted-model.js';
import { openModelFolder } from '../../src/model/load.js';
import type { CompileOptions } from '../../src/program/compile-options.js';
import { nativeOnly, testBackend } from '../helpers/backend.js';

const reference = JSON.parse(readFileSync('tests/fixtures/dynamic-rope.json', 'utf8')) as {
  prompts: number[][];
  answers: number[][];
  margins: number[];
};
const EAGER: CompileOptions = { mode: 'eager', precision: 'float32' };

/** Greedy answers to the prompts at these places. */
async function answersTo(
  places: readonly number[],
  { maxTokens = 24, rows = 5, shape = {} as Partial<CacheShape>, compile = EAGER } = {},
): Promise<number[][]> {
  const model = await openModelFolder('tests/fixtures/logits/llama-dynamic-rope');
  const prompts = places.map((place) => Int32Array.from(reference.prompts[place]!));
  const planned = planDecode(prompts, generateOptions.parse({ maxTokens }), rows);
  const plan = { ...planned, shape: { ...planned.shape, ...shape } };
  const program = await adaptedModel(model, undefined, (c, linear) => generateSpec(c, linear, plan), compile);
  const all: number[][] = [];
  for await (const { index, ids } of generate(program, plan, [])) all[index] = [...ids];
  program.dispose();
  await model.close();
  return all;
}

const everywhere = reference.prompts.map((_, place) => place);

describe('with rotary scaling by the length of the text', () => {
  beforeAll(() => testBackend());

  test('answers are those of transformers, which crosses from the trained length into longer ones', async () => {
    expect(Math.min(...reference.margins)).toBeGreaterThan(1e-3);
    expect(await answersTo(everywhere)).toEqual(reference.answers);
  });

  test.each<[string, number, object]>([
    ['few tokens are allowed', 6, {}],
    ['many tokens are allowed', 60, {}],
    ['it is asked alone', 24, { rows: 1 }],
    ['prompts come in pieces', 24, { shape: { chunk: 4, slots: 64 } }],
  ])('an answer begins the same where %s', async (_what, maxTokens, setting) => {
    const found = await answersTo(everywhere, { maxTokens, ...setting });
    for (const [i, ids] of found.entries()) {
      const common = Math.min(maxTokens, 24);
      expect(ids.slice(0, common)).toEqual(reference.answers[i]!.slice(0, common));
    }
  });

  test('an answer is the same whatever is asked beside it', async () => {
    const answers = await answersTo([0, 4]);
    expect(answers).toEqual([reference.answers[0], reference.answers[4]]);
  });

  nativeOnly('recorded, the answers are the same', async () => {
    const compile: CompileOptions = { mode: 'captured', precision: 'float32' };
    expect(await answersTo(everywhere, { compile })).toEqual(reference.answers);
  });
});
