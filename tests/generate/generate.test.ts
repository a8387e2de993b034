import { beforeAll, describe, expect, test } from 'vitest';
import { int32 } from '../../src/core/host-tensor.js';
import { random } from '../../src/core/random.js';
import { generateSpec } from '../../src/generate/cache.js';
import { cacheShape, generate } from '../../src/generate/generate.js';
import { generateOptions } from '../../src/generate/options.js';
import { sample } from '../../src/generate/sample.js';
import { adaptedModel } from '../../src/lora/adapted-model.js';
import { openModel } from '../../src/model/load.js';
import { logitsSpec } from '../../src/model/logits.js';
import { joinSpecs } from '../../src/program/program.js';
import { testBackend } from '../helpers/backend.js';

const PROMPTS = [[5, 9, 2], [7, 1, 3, 3, 8, 40, 41, 6, 17], [11]].map((ids) => Int32Array.from(ids));
const NONE: readonly number[] = [];

async function open(name: string, rows: number, maxTokens: number) {
  const model = await openModel(`tests/fixtures/logits/${name}`);
  const shape = cacheShape(PROMPTS, maxTokens, rows);
  const program = await adaptedModel(
    model,
    undefined,
    (config, linear) => joinSpecs(logitsSpec(config, linear), generateSpec(config, linear, shape)),
    { mode: 'eager', precision: 'float32' },
  );
  const answers = async (options: object, stops = NONE, prompts = PROMPTS) => {
    const all = [];
    const decoding = generateOptions.parse({ maxTokens, ...options });
    for await (const answer of generate(program, shape, prompts, stops, decoding)) all.push(answer);
    return all;
  };
  const close = async () => {
    program.dispose();
    await model.close();
  };
  return { program, answers, close };
}

describe('generate', () => {
  beforeAll(() => testBackend());

  test.each(['llama-grouped', 'llama-3-rope-tied-bias', 'llama-linear-rope', 'mistral-window'])(
    'with a cache and in a padded batch %s chooses what the whole text chooses',
    async (name) => {
      const { program, answers, close } = await open(name, 3, 8);
      const greedy = await answers({});
      for (const [row, prompt] of PROMPTS.entries()) {
        const ids = [...prompt];
        for (let i = 0; i < 8; i++) {
          const { logits } = await program.run('logits', { ids: int32([1, ids.length], ids) }, ['logits']);
          const last = logits!.data.subarray(-logits!.shape[2]!) as Float32Array;
          ids.push(last.indexOf(Math.max(...last)));
        }
        expect([...greedy[row]!.ids], `row ${row}`).toEqual(ids.slice(prompt.length));
        expect(greedy[row]!.finish).toBe('length');
      }
      await close();
    },
  );

  test('an answer depends neither on its neighbours nor on the size of the batch', async () => {
    const drawn = { temperature: 1.5, seed: 4 };
    const [three, one] = [await open('llama-grouped', 3, 6), await open('llama-grouped', 1, 6)];
    const together = await three.answers(drawn);
    expect(await one.answers(drawn)).toEqual(together);
    expect(await three.answers({ ...drawn, seed: 5 })).not.toEqual(together);
    await three.close();
    await one.close();
  });

  test('a stop token ends its row only, and is not part of the answer', async () => {
    const { answers, close } = await open('llama-grouped', 3, 8);
    const free = await answers({});
    const stop = free[1]!.ids[3]!;
    const stopped = await answers({}, [stop]);
    for (const [row, { ids, finish }] of stopped.entries()) {
      const at = free[row]!.ids.indexOf(stop);
      expect([...ids]).toEqual([...(at < 0 ? free[row]!.ids : free[row]!.ids.slice(0, at))]);
      expect(finish).toBe(at < 0 ? 'length' : 'stop');
    }
    await close();
  });
});

describe('sample', () => {
  const logits = Float32Array.from([0, 2, 1, -1]);
  const shares = (options: { temperature: number; topK: number; topP: number }) => {
    const r = random(1, 'sample');
    const counts = [0, 0, 0, 0];
    for (let i = 0; i < 20_000; i++) counts[sample(logits, options, r)]!++;
    return counts.map((n) => n / 20_000);
  };
  const softmax = (values: number[], kept: number[]) => {
    const weights = values.map((v, i) => (kept.includes(i) ? Math.exp(v) : 0));
    return weights.map((w) => w / weights.reduce((a, b) => a + b));
  };

  test.each([
    ['temperature', { temperature: 2, topK: 0, topP: 1 }, softmax([0, 1, 0.5, -0.5], [0, 1, 2, 3])],
    ['top-k', { temperature: 1, topK: 2, topP: 1 }, softmax([0, 2, 1, -1], [1, 2])],
    ['top-p', { temperature: 1, topK: 0, topP: 0.7 }, softmax([0, 2, 1, -1], [1, 2])],
    ['top-k of one is greedy', { temperature: 9, topK: 1, topP: 1 }, [0, 1, 0, 0]],
  ])('draws tokens as often as the softmax says: %s', (_name, options, expected) => {
    shares(options).forEach((share, token) => {
      expect(Math.abs(share - expected[token]!), `token ${token}`).toBeLessThan(0.012);
    });
  });
});
