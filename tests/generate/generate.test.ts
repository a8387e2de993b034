import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { isNative } from '../../src/backend/raw/native-op.js';
import * as tf from '../../src/backend/tf.js';
import { float32, int32 } from '../../src/core/host-tensor.js';
import { random } from '../../src/core/random.js';
import { generateSpec } from '../../src/generate/cache.js';
import { generate } from '../../src/generate/generate.js';
import { type GenerateOptions, generateOptions } from '../../src/generate/options.js';
import { type CacheShape, planDecode } from '../../src/generate/plan.js';
import { adaptedModel } from '../../src/lora/adapted-model.js';
import { openModelFolder } from '../../src/model/load.js';
import { logitsSpec } from '../../src/model/logits.js';
import type { CompileOptions } from '../../src/program/compile-options.js';
import { joinSpecs, type Program } from '../../src/program/program.js';
import { nativeOnly, testBackend } from '../helpers/backend.js';
import { typicalError } from '../helpers/rounding.js';
import { writeTinyModel } from '../helpers/tiny-model.js';
import { chosen } from './oracle.js';

const PROMPTS = [[5, 9, 2], [7, 1, 3, 3, 8, 40, 41, 6, 17], [11], [2, 3, 4, 5, 6, 7, 8]].map((ids) =>
  Int32Array.from(ids),
);
const EAGER = { mode: 'eager', precision: 'float32' } as const;
const CAPTURED = { mode: 'captured', precision: 'float32' } as const;

interface Setting {
  readonly model?: string;
  readonly rows?: number;
  readonly options?: Partial<GenerateOptions>;
  readonly shape?: Partial<CacheShape>;
  readonly compile?: CompileOptions;
  readonly prompts?: readonly Int32Array[];
}

/** The longest sum of the models: over a row of a matrix, or over the logits. */
const WIDEST = 64;

/**
 * By how much a token must be chosen at least for rounding not to choose another: the models'
 * logits are of the order of 1.
 */
const MARGIN = 4 * typicalError(WIDEST);

/** A model of fixed weights, ready to answer; `shape` changes what is planned. */
async function open(setting: Setting = {}) {
  const { model: name = 'llama-grouped', rows = 4, options = {}, compile = EAGER, prompts = PROMPTS } = setting;
  const model = await openModelFolder(name.includes('/') ? name : `tests/fixtures/logits/${name}`);
  const planned = planDecode(prompts, generateOptions.parse({ maxTokens: 8, ...options }), rows);
  const plan = { ...planned, shape: { ...planned.shape, ...setting.shape } };
  const program = await adaptedModel(
    model,
    undefined,
    (config, linear) => joinSpecs(logitsSpec(config, linear), generateSpec(config, linear, plan)),
    compile,
  );
  const answers = async (stops: readonly number[] = []) => {
    const all: { ids: number[]; finish: string }[] = [];
    for await (const { index, ids, finish } of generate(program, plan, stops)) all[index] = { ids: [...ids], finish };
    return all;
  };
  /** The same without a cache, a token and a row at a time, and how close the closest call was. */
  const oneByOne = async () => {
    let margin = 1;
    const all: number[][] = [];
    for (const [index, prompt] of prompts.entries()) {
      const ids = [...prompt];
      const { uniform } = random(plan.options.seed, 'generate', index);
      for (let i = 0; i < plan.options.maxTokens; i++) {
        const { logits } = await program.run('logits', { ids: int32([1, ids.length], ids) }, ['logits']);
        const choice = chosen(logits!.data.subarray(-logits!.shape[2]!), plan.options, uniform());
        margin = Math.min(margin, choice.margin);
        ids.push(choice.token);
      }
      all.push(ids.slice(prompt.length));
    }
    return { all, margin };
  };
  const close = async () => {
    program.dispose();
    await model.close();
  };
  return { program, plan, answers, oneByOne, close };
}

const answersOf = async (setting: Setting, stops: readonly number[] = []) => {
  const { answers, close } = await open(setting);
  const all = await answers(stops);
  await close();
  return all;
};

describe('generate', () => {
  beforeAll(() => testBackend());

  describe.each(['llama-grouped', 'llama-3-rope-tied-bias', 'llama-linear-rope', 'mistral-window'])('%s', (model) => {
    test.each<[string, Setting]>([
      ['prompts in one piece', {}],
      ['prompts in pieces', { shape: { chunk: 4, slots: 20 } }],
    ])('with a cache and beside others it chooses what the whole text alone chooses: %s', async (_name, setting) => {
      const { answers, oneByOne, close } = await open({ ...setting, model });
      const { all, margin } = await oneByOne();
      expect(margin).toBeGreaterThan(MARGIN);
      expect(await answers()).toEqual(all.map((ids) => ({ ids, finish: 'length' })));
      await close();
    });
  });

  test.each<[string, Partial<GenerateOptions>]>([
    ['from all tokens', { temperature: 1.5 }],
    ['from the likeliest', { temperature: 1.5, topK: 7 }],
    ['from a share of the likeliest', { temperature: 1.5, topK: 20, topP: 0.7 }],
    ['from a share', { temperature: 1.5, topP: 0.7 }],
  ])('draws %s with numbers of its own for each answer', async (_name, options) => {
    const { answers, oneByOne, close } = await open({ options: { ...options, seed: 4 } });
    const { all, margin } = await oneByOne();
    expect(margin).toBeGreaterThan(MARGIN);
    expect((await answers()).map(({ ids }) => ids)).toEqual(all);
    await close();
  });

  test('a share that the likeliest thousand do not make up is drawn from all tokens', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'phasetune-generate-'));
    try {
      const model = await writeTinyModel(folder);
      const { program, plan, answers, oneByOne, close } = await open({
        model,
        options: { temperature: 3, topP: 0.95, maxTokens: 4, seed: 1 },
      });
      const { all, margin } = await oneByOne();
      expect(margin).toBeGreaterThan(typicalError(WIDEST));
      expect((await answers()).map(({ ids }) => ids)).toEqual(all);
      const ids = {
        ids: int32([4, plan.shape.chunk], new Int32Array(4 * plan.shape.chunk)),
        last: int32([4], [0, 0, 0, 0]),
        lengths: int32([4], [1, 1, 1, 1]),
      };
      const draws = { temperature: 3, topP: 0.95 };
      const scalars = Object.entries(draws).map(
        ([name, value]) => [name, { shape: [], dtype: 'float32', data: Float32Array.of(value) }] as const,
      );
      const uniforms = { shape: [4], dtype: 'float32', data: new Float32Array(4) } as const;
      const { covered } = await program.run('prefill', { ...ids, ...Object.fromEntries(scalars), uniforms }, [
        'covered',
      ]);
      expect([...covered!.data]).toEqual([0, 0, 0, 0]);
      await close();
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test('an answer depends on neither its neighbours nor the size of the batch, and the seed tells all', async () => {
    const drawn = (rows: number, seed: number) => answersOf({ rows, options: { temperature: 1.5, seed } });
    const together = await drawn(4, 4);
    expect(await drawn(1, 4)).toEqual(together);
    expect(await drawn(3, 4)).toEqual(together);
    expect(await drawn(4, 5)).not.toEqual(together);
  });

  test('a stop token ends its row only, and is not part of the answer', async () => {
    const free = await answersOf({});
    const stop = free[1]!.ids[3]!;
    const stopped = await answersOf({}, [stop]);
    expect(stopped[1]!.finish).toBe('stop');
    for (const [row, { ids, finish }] of stopped.entries()) {
      const at = free[row]!.ids.indexOf(stop);
      expect(ids).toEqual(at < 0 ? free[row]!.ids : free[row]!.ids.slice(0, at));
      expect(finish).toBe(at < 0 ? 'length' : 'stop');
    }
  });

  test('where the logits of one prompt are no numbers the others are answered, and the error names it', async () => {
    const prompts = [[1], [2, 2], [3], [4]].map((ids) => Int32Array.from(ids));
    const plan = planDecode(prompts, generateOptions.parse({ maxTokens: 2 }), 4);
    // The second prompt fails at once, the third with its second token.
    const totals = { prefill: [0, Number.NaN, 0, 0], decode: [0, 0, Number.POSITIVE_INFINITY, 0] };
    const program = {
      run: (entry: 'prefill' | 'decode') =>
        Promise.resolve({ token: int32([4], [7, 7, 7, 7]), total: float32([4], totals[entry]) }),
    } as unknown as Program;
    const answers: number[] = [];
    const run = async () => {
      for await (const { index, ids } of generate(program, plan, [])) {
        answers.push(index);
        expect([...ids]).toEqual([7, 7]);
      }
    };
    await expect(run()).rejects.toThrow(/^prompt 2 \(and 1 more of 4 prompts\): after 0 tokens/);
    expect(answers).toEqual([0, 3]);
  });

  test.each([{ temperature: 0 }, { temperature: 0.7 }, { temperature: 0.7, topP: 0.5 }, { temperature: 1, topK: 5 }])(
    'weights so large that logits overflow are an error, not an empty answer: %j',
    async (options) => {
      const folder = await mkdtemp(join(tmpdir(), 'phasetune-overflow-'));
      try {
        await writeTinyModel(folder, (name) => (name === 'model.norm.weight' ? 3e38 : 1));
        await expect(answersOf({ model: folder, options: { ...options, maxTokens: 3 } })).rejects.toThrow(
          /^prompt 1 \(and 3 more of 4 prompts\): after 0 tokens of its answer the logits are not finite/,
        );
      } finally {
        await rm(folder, { recursive: true });
      }
    },
  );

  test('an interrupt ends it between two tokens, not at the end of the batch', async () => {
    const { program, plan, close } = await open({ options: { maxTokens: 100_000 }, shape: { slots: 32 } });
    const controller = new AbortController();
    setTimeout(() => controller.abort(new Error('enough')), 50);
    await expect(generate(program, plan, [], controller.signal).next()).rejects.toThrow('enough');
    await close();
  });

  test('the answers of a second run are the first ones again, and no tensor is left over', async () => {
    const { answers, close } = await open({ rows: 2, options: { temperature: 1 } });
    const first = await answers();
    const { numTensors } = tf.memory();
    expect(await answers()).toEqual(first);
    expect(tf.memory().numTensors).toBe(numTensors);
    await close();
  });
});

describe('recorded', () => {
  nativeOnly('it answers as op by op does, whatever is drawn from', async () => {
    const all: Setting[] = [
      {},
      { shape: { chunk: 4, slots: 20 } },
      { options: { temperature: 1.5, seed: 1 } },
      { options: { temperature: 1.5, topK: 7, topP: 0.9, seed: 1 } },
      { options: { temperature: 1.5, topP: 0.7, seed: 1 }, rows: 2 },
    ];
    for (const setting of all)
      expect(await answersOf({ ...setting, compile: CAPTURED }), JSON.stringify(setting)).toEqual(
        await answersOf(setting),
      );
  });

  nativeOnly('the answers of a second run are the first ones again', async () => {
    const { answers, close } = await open({ rows: 2, compile: { mode: 'captured', precision: 'bfloat16' } });
    const first = await answers();
    expect(await answers()).toEqual(first);
    expect(isNative()).toBe(true);
    await close();
  });
});
