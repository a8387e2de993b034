import { expect, test } from 'vitest';
import { float32, type HostTensor, int32 } from '../../src/core/host-tensor.js';
import { trainedLinear } from '../../src/model/linear.js';
import { openModelFolder } from '../../src/model/load.js';
import { parameterShapes } from '../../src/model/parameters.js';
import { keptName, parameterGroups } from '../../src/optim/groups.js';
import { optimOptions } from '../../src/optim/options.js';
import { readState, writeState } from '../../src/optim/state.js';
import { compile } from '../../src/program/compile.js';
import { lossFeeds } from '../../src/train/loss-feeds.js';
import { trainSpec } from '../../src/train/step.js';
import { testBackend } from '../helpers/backend.js';
import { onePerLine } from '../helpers/micro-batch.js';
import { typicalError } from '../helpers/rounding.js';
import { countingRow } from '../helpers/tiny-run.js';

test('every parameter of a whole model has its gradient, by finite differences, and moves in a step', async () => {
  await testBackend();
  const model = await openModelFolder('tests/fixtures/train/base');
  const shapes = parameterShapes(model.config);
  const optim = optimOptions.parse({ weightDecay: 0.1, maxGradNorm: 0 });
  const groups = parameterGroups(shapes, optim.weightDecay);
  expect(groups.map(({ name }) => name)).toEqual(['decayed', 'undecayed']);
  const spec = trainSpec({
    config: model.config,
    groups,
    optim,
    trainLinear: () => trainedLinear,
    evalLinear: trainedLinear,
  });
  const program = await compile(spec, { mode: 'eager', precision: 'float32' });
  const start = new Map<string, HostTensor>();
  for await (const [name, { shape, data }] of model.parameters())
    start.set(name, float32(shape, Float32Array.from(data)));
  await model.close();
  writeState(program, groups, ['value'], start);

  const rows = [countingRow('a', 5, 1, 12), countingRow('b', 40, 2, 6)];
  const weight = 1 / rows.reduce((n, row) => n + row.trained, 0);
  const feeds = lossFeeds(onePerLine(rows, 12), weight);
  const seeded = { ...feeds, seed: int32([], [1]) };
  await program.run('accumulate', seeded);
  const grads = await readState(
    program,
    groups,
    [...shapes.keys()].map((name) => keptName('grad', name)),
  );
  const lossAt = async (values: ReadonlyMap<string, HostTensor>): Promise<number> => {
    writeState(program, groups, ['value'], values);
    const { losses } = await program.run('evalLoss', feeds, ['losses']);
    return [...losses!.data].reduce((sum, loss, i) => sum + loss * feeds.weights.data[i]!, 0);
  };
  const before = await lossAt(start);
  for (const [name, { shape, data }] of start) {
    const slope = grads.get(keptName('grad', name))!.data as Float32Array;
    const norm = Math.sqrt(slope.reduce((sum, g) => sum + g * g, 0));
    expect(norm, name).toBeGreaterThan(0);
    // Along its own gradient the loss rises by the gradient's norm; steps that change it by about 0.02.
    const step = 0.01 / norm;
    const riseOver = async (by: number) => {
      const moved = (sign: number) => {
        const values = (data as Float32Array).map((x, i) => x + (sign * by * slope[i]!) / norm);
        return lossAt(new Map([...start, [name, float32(shape, values)]]));
      };
      return ((await moved(1)) - (await moved(-1))) / (2 * by);
    };
    const rise = await riseOver(step);
    // A central difference is off by the square of its step, so over twice the step by four times
    // as much; and the two losses are rounded.
    const curved = Math.abs((await riseOver(2 * step)) - rise) / 3;
    const rounded = (4 * typicalError(model.config.vocab_size) * before) / step;
    expect(Math.abs(rise - norm), name).toBeLessThan(2 * curved + rounded);
    expect(2 * curved + rounded, `${name}: the limit says something`).toBeLessThan(norm / 20);
  }
  await lossAt(start);
  const hyper = {
    learningRate: float32([], [1e-3]),
    step: float32([], [1]),
    lossLimit: float32([], [Number.POSITIVE_INFINITY]),
  };
  await program.run('trainStep', { ...seeded, ...hyper });
  const after = await readState(program, groups, shapes.keys());
  for (const [name, { data }] of start) expect(after.get(name)!.data, name).not.toEqual(data);
  program.dispose();
});
