import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import type { Device } from '../../src/backend/backend.js';
import { shapeConfig } from '../../src/bench/shapes.js';
import { loraOptions } from '../../src/lora/options.js';
import { optimOptions } from '../../src/optim/options.js';
import type { Attention } from '../../src/program/compile-options.js';
import { forecastMemory, roughMemory } from '../../src/train/memory.js';
import { lastJson, startPhasetune } from '../cli/child.js';
import { phasetune } from '../cli/in-process.js';
import { nativeOnly, testBackend } from '../helpers/backend.js';
import { disturbedRuns, expectNear } from '../helpers/disturbed.js';
import { temporaryFolder } from '../helpers/folder.js';
import { writeTinyModel } from '../helpers/tiny-model.js';
import { runTiny, tinyJob, tinyTuner } from '../helpers/tiny-run.js';

beforeAll(async () => {
  await testBackend();
});

const forecast = (lines: number, gradientCheckpointing: boolean, evalLines = 1, shapes = 1, device: Device = 'cpu') => {
  const shape = (lines: number, length = 128) => ({ lines, length, targets: (lines * length) / 2 });
  const trainStep = Array.from({ length: shapes }, (_, i) => shape(lines, 128 - 32 * i));
  return forecastMemory(
    {
      config: shapeConfig({ shape: 'tiny-10m' }),
      lora: loraOptions.parse({}),
      optim: optimOptions.parse({}),
      gradientCheckpointing,
      compile: { mode: 'captured', precision: 'bfloat16', compile: 'none' },
      batches: { trainStep, accumulate: [], evalLoss: [shape(evalLines)] },
    },
    device,
    1e9,
  );
};

nativeOnly('a forecast grows with the batch, shrinks with checkpointing, and follows the call that takes most', () => {
  const [one, eight, again] = [forecast(1, false), forecast(8, false), forecast(8, true)];
  expect(eight.tensors / one.tensors).toBeGreaterThan(5);
  expect(eight.tensors / again.tensors).toBeGreaterThan(2);
  expect(again.variables).toBe(eight.variables);
  expect(forecast(1, true, 64).tensors).toBeGreaterThan(3 * again.tensors);
  // Smaller shapes add their graphs only.
  const three = forecast(8, false, 1, 3);
  expect(three.tensors).toBe(eight.tensors);
  expect(three.besides).toBeGreaterThan(eight.besides);
});

nativeOnly('without kept probabilities a forecast is smaller, the more so the longer the lines are', () => {
  const tensors = (length: number, attention: Attention) =>
    forecastMemory(
      {
        config: shapeConfig({ shape: 'tiny-10m' }),
        lora: loraOptions.parse({}),
        optim: optimOptions.parse({}),
        compile: { mode: 'captured', precision: 'bfloat16', compile: 'parts', attention },
        batches: { trainStep: [{ lines: 1, length, targets: 64 }], accumulate: [], evalLoss: [] },
      },
      'cpu',
      1e9,
    ).tensors;
  const share = (length: number) => tensors(length, 'recompute') / tensors(length, 'math');
  expect(share(1024)).toBeLessThan(0.75);
  expect(share(8192)).toBeLessThan(share(1024) / 2);
});

nativeOnly('the rough size of a run is not less than half of its forecast, whatever its shape', () => {
  const shapes = [
    { lines: 1, length: 16, targets: 8 },
    { lines: 32, length: 64, targets: 2048 },
    { lines: 2, length: 1024, targets: 100 },
  ];
  for (const shape of shapes)
    for (const gradientCheckpointing of [false, true])
      for (const rank of [8, 512]) {
        const run = {
          config: shapeConfig({ shape: 'tiny-10m' }),
          lora: loraOptions.parse({ rank }),
          optim: optimOptions.parse({}),
          gradientCheckpointing,
          compile: { mode: 'captured', precision: 'float32', compile: 'none' },
          batches: { trainStep: [shape], accumulate: [], evalLoss: [shape] },
        } as const;
        expect(2 * roughMemory(run, 1e9)).toBeGreaterThan(forecastMemory(run, 'cpu', 1e9).peak);
      }
});

nativeOnly(
  'a forecast for a card counts what CUDA takes there instead of the process and what it keeps of the graph',
  () => {
    const [card, host] = [forecast(8, false, 1, 1, 'cuda'), forecast(8, false)];
    expect(card).toEqual({ ...host, peak: 2 ** 30 + host.variables + host.tensors, besides: 2 ** 30 });
  },
);

nativeOnly('what was forecast for a step is near what a process of its own took', async () => {
  const size = ['--shape', 'tiny-10m', '--batch', '12', '--seq', '256', '--steps', '3', '--compile', 'none'];
  let [predicted, least] = [0, Number.POSITIVE_INFINITY];
  // An allocator may take more for a moment, never less: another process shows it.
  for (let tries = 0; tries < 3 && least > predicted; tries++) {
    const { code, out, err } = await startPhasetune(['bench', 'step', ...size, '--json']).ended;
    expect(code, err).toBe(0);
    const { predicted_peak_mib, peak_rss_mib } = lastJson(out) as Record<string, number>;
    predicted = predicted_peak_mib!;
    least = Math.min(least, peak_rss_mib!);
  }
  // Half of it would be a step without its activations, or one without its weights; twice, either
  // of them counted twice.
  expect(predicted / least).toBeGreaterThan(1 / 1.5);
  expect(predicted / least).toBeLessThan(1.5);
});

test('a run whose batches go through in parts learns the same', async () => {
  const losses = async (microBatches: number, disturbed?: number) => {
    const options = { train: { batchRows: 4, accumulate: 1, microBatches }, ...(disturbed ? { disturbed } : {}) };
    const tuner = await tinyTuner(options);
    const { events } = await runTiny(tuner, await tinyJob(options));
    tuner.dispose();
    return events.flatMap((event) => (event.type === 'step' ? [event.loss] : event.type === 'eval' ? [event.all] : []));
  };
  const [whole, parts] = [await losses(1), await losses(3)];
  expect(whole.length).toBeGreaterThan(6);
  expect(parts.length).toBe(whole.length);
  expectNear(parts, whole, await disturbedRuns((seed) => losses(1, seed)));
});

nativeOnly('a run that no machine has the memory for is warned of before it begins', async () => {
  const home = temporaryFolder('large');
  const rows = readFileSync('datasets/demo/raw.jsonl', 'utf8').split('\n').slice(0, 12).join('\n');
  writeFileSync(join(home, 'rows.jsonl'), rows);
  const [model, data] = [await writeTinyModel(join(home, 'model')), join(home, 'data')];
  expect((await phasetune('stage', join(home, 'rows.jsonl'), '--out', data, '--holdout', '0')).code).toBe(0);
  const train = ['train', '--model', model, '--data', data, '--out', join(home, 'run'), '--dry-run', '--device', 'cpu'];
  const { code, err } = await phasetune(...train, '--pad-to', '1000000', '--attention', 'math');
  expect(code).toBe(0);
  expect(err).toMatch(
    /warning: the run is forecast to take .*iB of memory, and there is .*iB .*; lower --max-length, or lower --pad-to/,
  );
  expect((await phasetune(...train)).err).not.toContain('is forecast to take');
  // There need be no card.
  const card = await phasetune(...train.slice(0, -1), 'cuda');
  expect(card.code, card.err).toBe(0);
  expect(card.out).toMatch(/peak memory: about .*iB \(.*, everything else 1(\.0)? GiB\)/);
});
