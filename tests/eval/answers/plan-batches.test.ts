import { describe, expect, test } from 'vitest';
import { random } from '../../../src/core/random.js';
import { leftToAnswer } from '../../../src/eval/answers/plan-batches.js';
import { generateOptions } from '../../../src/generate/options.js';
import { planDecode } from '../../../src/generate/plan.js';

const options = generateOptions.parse({ maxTokens: 8 });
const rng = random(3, 'prompts');
const prompts = Array.from({ length: 50 }, () => new Int32Array(1 + rng.integer(40)).fill(5));
const keys = prompts.map((_, i) => `k${i}`);
const whole = planDecode(prompts, options, 8);
const left = (known: ReadonlySet<string>, of = keys) => leftToAnswer(prompts, of, options, 8, (key) => known.has(key));
const keysOf = (indices: readonly number[]) => indices.map((i) => keys[i]!);

describe('what is left of a plan', () => {
  test('nothing known: the whole plan; all known: nothing', () => {
    expect(left(new Set())).toEqual(whole);
    expect(left(new Set(keys))).toBeUndefined();
  });

  test('after a kill at any answer, the batches of a run that was not killed, the half-known one whole', () => {
    const order = whole.batches.flat();
    for (let done = 0; done < order.length; done++) {
      const plan = left(new Set(keysOf(order.slice(0, done))));
      const full = Math.floor(whole.batches.findIndex((_, b) => whole.batches.slice(0, b + 1).flat().length > done));
      expect(plan).toEqual({ ...whole, batches: whole.batches.slice(full) });
    }
  });

  test('where other rows are missing, those alone, each at its own place', () => {
    const missing = [1, 9, 17, 30, 42];
    const plan = left(new Set(keys.filter((_, i) => !missing.includes(i))))!;
    expect(plan.prompts).toBe(prompts);
    expect(plan.batches.flat().sort((x, y) => x - y)).toEqual(missing);
    const longest = Math.max(...missing.map((i) => prompts[i]!.length));
    expect(plan.shape.slots).toBeGreaterThanOrEqual(longest + options.maxTokens - 1);
  });

  test('equal prompts are one question: a batch of which only repetitions are missing is done', () => {
    const twins = keys.map((_, i) => `k${i % 25}`);
    const known = new Set<string>();
    for (let i = 0; i < 25; i++) known.add(`k${i}`);
    expect(left(known, twins)).toBeUndefined();
    const rest = left(new Set(), twins)!;
    const asked = new Set(rest.batches.flat().map((i) => twins[i]));
    expect(asked.size).toBe(25);
  });
});
