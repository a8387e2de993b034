import { copyFileSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { checkHandover } from '../../src/handover/check.js';
import { plannedRates } from '../../src/handover/check-evidence.js';
import { adapterMatrices, type Matrices, type Matrix, trainedHandover } from '../helpers/trained-handover.js';

const weights = (folder: string, stage: number) => join(folder, `adapter-${stage}`, 'adapter_model.safetensors');

/** The traps of each stage, and those of what was handed over. */
async function trapsOf(folder: string) {
  const { findings, stages, ok } = await checkHandover(folder);
  const traps = stages.map((stage) => stage.findings.map(({ trap }) => trap));
  expect(ok).toBe([...findings, ...traps.flat()].length === 0);
  return [findings.map(({ trap }) => trap), ...traps];
}

/** The adapter after a stage, with matrices that `change` replaces. */
const spoiled = (
  stage: number,
  change: (name: string, data: Float32Array, shape: readonly number[]) => Matrix | undefined,
) => {
  const matrices: Matrices = new Map();
  for (const [name, { shape, data }] of adapterMatrices(stage)) {
    const other = change(name, data, shape);
    matrices.set(name, other ?? { shape, data });
  }
  return matrices;
};

describe('a handover that was trained', () => {
  test('is complete, with steps, losses and hashes of each stage', async () => {
    const { folder, record } = await trainedHandover();
    const check = await checkHandover(folder);
    expect(check).toMatchObject({ engine: 'trl', ok: true, complete: true, findings: [] });
    expect(check.stages.map(({ state, steps, loss }) => ({ state, steps, loss }))).toEqual(
      record.stages.map(() => ({ state: 'trained', steps: { planned: 4, made: 4 }, loss: { first: 3, last: 2.7 } })),
    );
    expect(new Set(check.stages.map(({ sha256 }) => sha256)).size).toBe(3);
    expect(check.stages.flatMap(({ notes }) => notes)).toEqual([]);
  });

  test('is fine and not complete after some of its stages', async () => {
    const { folder } = await trainedHandover(2);
    const { ok, complete, stages } = await checkHandover(folder);
    expect({ ok, complete }).toEqual({ ok: true, complete: false });
    expect(stages.map(({ state }) => state)).toEqual(['trained', 'trained', 'not trained']);
    expect((await checkHandover((await trainedHandover(0)).folder)).stages.map(({ state }) => state)).toEqual([
      'not trained',
      'not trained',
      'not trained',
    ]);
  });

  test('says what an engine did otherwise without being wrong', async () => {
    const { folder, report } = await trainedHandover();
    await report(1, () => ({ processes: 2, precision: 'bfloat16' }));
    const { ok, stages } = await checkHandover(folder);
    expect(ok).toBe(true);
    expect(stages[0]!.notes).toEqual([
      '2 processes trained it, planned were 1',
      'it was trained in bfloat16, planned was float32',
    ]);
  });

  test('has a data error of its own where there is no handover', async () => {
    const { folder } = await trainedHandover(0);
    await expect(checkHandover(join(folder, 'rows'))).rejects.toMatchObject({ code: 'data' });
  });
});

describe('each trap is found by its name', () => {
  test('a frozen adapter: nothing was trainable, or all values are those of before', async () => {
    const first = await trainedHandover();
    await first.report(1, () => ({ trainable: 0 }));
    await first.adapter(1, adapterMatrices());
    expect(await trapsOf(first.folder)).toEqual([[], ['frozen adapter'], [], []]);

    const second = await trainedHandover();
    // The same values in another order: another file.
    await second.adapter(2, new Map([...adapterMatrices(1)].reverse()));
    expect(await trapsOf(second.folder)).toEqual([[], [], ['frozen adapter'], []]);
  });

  test('the file of the stage before', async () => {
    const { folder, report, record } = await trainedHandover();
    copyFileSync(weights(folder, 1), weights(folder, 2));
    const { stages } = await checkHandover(folder);
    await report(2, () => ({ output: { path: 'adapter-2', sha256: stages[0]!.sha256! } }));
    await report(3, () => ({ input: { path: record.stages[2]!.from, sha256: stages[0]!.sha256! } }));
    expect(await trapsOf(folder)).toEqual([[], [], ['same file'], []]);
  });

  test('an empty file, and one without any matrix', async () => {
    const { folder } = await trainedHandover();
    truncateSync(weights(folder, 3), 0);
    expect(await trapsOf(folder)).toEqual([[], [], [], ['empty file']]);
    const { adapter, ...none } = await trainedHandover();
    await adapter(3, new Map());
    expect(await trapsOf(none.folder)).toEqual([[], [], [], ['empty file']]);
  });

  test('shapes [0, h]', async () => {
    const { folder, adapter } = await trainedHandover();
    await adapter(
      2,
      spoiled(2, (_, __, [, columns]) => ({ shape: [0, columns!], data: new Float32Array() })),
    );
    const [, , second] = await trapsOf(folder);
    expect(second).toEqual(['empty shapes']);
    const { stages } = await checkHandover(folder);
    expect(stages[1]!.findings[0]!.problem).toMatch(/4 of 4 matrices are empty, .* is \[0, 6\]$/);
  });

  test('B zero, all of them or one', async () => {
    const { folder, adapter } = await trainedHandover();
    await adapter(
      1,
      spoiled(1, (name, data, shape) => (name.includes('lora_B') ? { shape, data: data.map(() => 0) } : undefined)),
    );
    await adapter(
      2,
      spoiled(2, (name, data, shape) =>
        name.includes('up_proj.lora_B') ? { shape, data: data.map(() => 0) } : undefined,
      ),
    );
    const { stages } = await checkHandover(folder);
    expect(stages.map(({ findings }) => findings.map(({ trap }) => trap))).toEqual([['B is zero'], ['B is zero'], []]);
    expect(stages[0]!.findings[0]!.problem).toMatch(/2 of 2 matrices B are zero/);
    expect(stages[1]!.findings[0]!.problem).toMatch(/1 of 2 matrices B are zero \(.*up_proj.lora_B/);
  });

  test('a part of the adapter that did not change', async () => {
    const { folder, adapter } = await trainedHandover();
    const before = adapterMatrices(1);
    await adapter(
      2,
      spoiled(2, (name) => (name.includes('q_proj') ? before.get(name) : undefined)),
    );
    expect(await trapsOf(folder)).toEqual([[], [], ['partly frozen'], []]);
  });

  test('an input that is not the output of the stage before', async () => {
    const { folder, report, record } = await trainedHandover();
    await report(3, ({ input }) => ({ input: { ...input, sha256: record.firstAdapter.sha256 } }));
    expect(await trapsOf(folder)).toEqual([[], [], [], ['other input']]);
  });

  test('too few steps, and too many', async () => {
    const { folder, report } = await trainedHandover();
    await report(1, ({ steps }) => ({ steps: steps.slice(0, 3) }));
    await report(2, ({ steps }) => ({ steps: [...steps, { ...steps[3]!, step: 5 }] }));
    expect(await trapsOf(folder)).toEqual([[], ['too few steps'], ['too many steps'], []]);
  });

  test('numbers that are not finite, in a matrix or a loss', async () => {
    const { folder, adapter, report } = await trainedHandover();
    await adapter(
      1,
      spoiled(1, (name, data, shape) =>
        name.includes('up_proj.lora_A') ? { shape, data: data.map((x, i) => (i === 5 ? Number.NaN : x)) } : undefined,
      ),
    );
    await report(2, ({ steps }) => ({
      steps: steps.map((step, i) => (i === 2 ? { ...step, loss: Number.NaN } : step)),
    }));
    const { stages } = await checkHandover(folder);
    expect(stages[0]!.findings.map(({ problem }) => problem)).toEqual([
      expect.stringMatching(/up_proj.lora_A.weight: element 5 is NaN, expected a finite number$/),
    ]);
    expect(stages[1]!.findings.map(({ trap }) => trap)).toEqual(['not finite']);
  });

  test('a file that is cut off', async () => {
    const { folder } = await trainedHandover();
    const bytes = readFileSync(weights(folder, 3));
    for (const length of [1, 7, 40, bytes.length - 1]) {
      writeFileSync(weights(folder, 3), bytes.subarray(0, length));
      expect(await trapsOf(folder)).toEqual([[], [], [], ['broken file']]);
    }
    writeFileSync(weights(folder, 3), bytes);
    expect(await trapsOf(folder)).toEqual([[], [], [], []]);
  });

  test('other names, such as those of a wrapped model', async () => {
    const { folder, adapter } = await trainedHandover();
    const wrapped = [...adapterMatrices(2)].map(
      ([name, m]) => [name.replace('.weight', '.default.weight'), m] as const,
    );
    await adapter(2, new Map(wrapped));
    expect((await trapsOf(folder))[2]).toEqual(['other names']);
  });

  test('other shapes, and another scale', async () => {
    const { folder, adapter } = await trainedHandover();
    await adapter(
      2,
      spoiled(2, (name) =>
        name.includes('q_proj.lora_A') ? { shape: [1, 6], data: new Float32Array(6).fill(1) } : undefined,
      ),
    );
    expect((await trapsOf(folder))[2]).toEqual(['other shapes']);
    const other = await trainedHandover();
    const path = join(other.folder, 'adapter-2', 'adapter_config.json');
    writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), lora_alpha: 16 }));
    expect(await trapsOf(other.folder)).toEqual([[], [], ['other scale'], []]);
    rmSync(path);
    expect(await trapsOf(other.folder)).toEqual([[], [], ['no configuration'], []]);
  });

  test('learning rates that differ', async () => {
    const { folder, report } = await trainedHandover();
    await report(1, ({ steps }) => ({ steps: steps.map((step) => ({ ...step, learningRate: 2e-5 })) }));
    await report(2, ({ steps }) => ({ steps: steps.map((s) => ({ ...s, learningRate: s.learningRate + 9e-10 })) }));
    await report(3, ({ steps }) => ({ steps: steps.map((s) => ({ ...s, learningRate: s.learningRate + 2e-9 })) }));
    expect(await trapsOf(folder)).toEqual([[], ['other learning rates'], [], ['other learning rates']]);
  });

  test('other rows or tokens', async () => {
    const { folder, report } = await trainedHandover();
    await report(1, () => ({ rows: 'f'.repeat(64) }));
    await report(2, ({ steps }) => ({ steps: steps.map((step) => ({ ...step, trainedTokens: 5 })) }));
    writeFileSync(join(folder, 'rows/stage-3.jsonl'), '{}\n');
    expect(await trapsOf(folder)).toEqual([['other rows'], ['other rows'], ['other tokens'], []]);
  });

  test('another first adapter', async () => {
    const { folder } = await trainedHandover(0);
    copyFileSync(weights((await trainedHandover(1)).folder, 1), weights(folder, 0));
    expect(await trapsOf(folder)).toEqual([['other first adapter'], [], [], []]);
  });

  test('an adapter that was changed later', async () => {
    const { folder } = await trainedHandover();
    copyFileSync(weights((await trainedHandover()).folder, 2), weights(folder, 3));
    expect((await trapsOf(folder))[3]).toEqual(['same file', 'changed later']);
  });

  test('a stage without a report, without an adapter, or left out', async () => {
    const first = await trainedHandover();
    rmSync(join(first.folder, 'stage-3.json'));
    expect(await trapsOf(first.folder)).toEqual([[], [], [], ['no report']]);
    const second = await trainedHandover(2);
    rmSync(weights(second.folder, 2));
    expect(await trapsOf(second.folder)).toEqual([[], [], ['broken file'], []]);
    const third = await trainedHandover();
    rmSync(join(third.folder, 'adapter-2'), { recursive: true });
    expect((await trapsOf(third.folder))[2]).toEqual(['skipped stage']);
    const fourth = await trainedHandover(3);
    rmSync(weights(fourth.folder, 3));
    writeFileSync(join(fourth.folder, 'adapter-3', 'adapter_model.bin'), 'pickled');
    expect((await trapsOf(fourth.folder))[3]).toEqual(['no safetensors']);
  });
});

describe('what Axolotl leaves without our plugin', () => {
  /** Writes the state of transformers' trainer as Axolotl leaves it in its last checkpoint. */
  function writeState(folder: string, stage: number, rates: readonly number[], labels: number): void {
    const checkpoint = join(folder, `adapter-${stage}`, `checkpoint-${rates.length}`);
    mkdirSync(checkpoint, { recursive: true });
    const log_history = rates.map((learning_rate, i) => ({
      ...{ step: i + 1, loss: 3 - i / 10, learning_rate, grad_norm: 1, epoch: (i + 1) / rates.length },
      'tokens/trainable': Math.round((labels * (i + 1)) / rates.length),
    }));
    writeFileSync(join(checkpoint, 'trainer_state.json'), JSON.stringify({ global_step: rates.length, log_history }));
  }

  test('is checked as far as it goes, and what it does not record is said', async () => {
    const { folder, record } = await trainedHandover(3, 'axolotl');
    for (const stage of record.stages) writeState(folder, stage.stage, plannedRates(stage), 22);
    const { ok, complete, stages } = await checkHandover(folder);
    expect({ ok, complete }).toEqual({ ok: true, complete: true });
    expect(stages[1]!.steps).toEqual({ planned: 4, made: 4 });
    expect(stages[1]!.notes).toEqual([
      'the engine records neither which adapter the stage began with, nor which rows it read, nor how it averaged the loss of a step',
    ]);
  });

  test('steps, rates and tokens that differ are found', async () => {
    const { folder, record } = await trainedHandover(3, 'axolotl');
    const [first, second, third] = record.stages;
    writeState(folder, 1, plannedRates(first!).slice(0, 2), 22);
    writeState(
      folder,
      2,
      plannedRates(second!).map((rate) => rate / 2),
      22,
    );
    writeState(folder, 3, plannedRates(third!), 21);
    expect(await trapsOf(folder)).toEqual([[], ['too few steps'], ['other learning rates'], ['other tokens']]);
  });

  test('an adapter without any record may be half a stage: Axolotl saves it when it is interrupted', async () => {
    const { folder } = await trainedHandover(1, 'axolotl');
    expect(await trapsOf(folder)).toEqual([[], ['no report'], [], []]);
  });
});
