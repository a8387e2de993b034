import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';
import { resolveStaging, stagingOptionsSchema } from '../../src/curriculum/staging-options.js';
import { stageInto } from '../../src/curriculum/write.js';
import { importFile } from '../../src/data/import.js';
import { hashFile } from '../../src/io/files.js';
import { runDifferences } from '../../src/train/run-differences.js';
import { claimRunFolder, readRunFile } from '../../src/train/run-file.js';
import { planTraining, train } from '../../src/workflow/train.js';
import type { TrainEvent } from '../../src/workflow/train-events.js';
import type { TrainingInput } from '../../src/workflow/train-options.js';
import { nativeOnly, testBackend } from '../helpers/backend.js';
import { temporaryFolder } from '../helpers/folder.js';
import { ROOT } from '../helpers/program.js';
import { writeTinyModel } from '../helpers/tiny-model.js';

let home: string;
/** What every run here is given: three stages of two steps with a checkpoint after each, recorded without XLA. */
let recipe: { model: string; data: string; steps: number; saveEvery: number; batchRows: number; compile?: 'none' };

beforeAll(async () => {
  const backend = await testBackend();
  home = temporaryFolder('train');
  const model = await writeTinyModel(join(home, 'model'));
  const data = join(home, 'staged');
  const raw = join(ROOT, 'datasets/demo/raw.jsonl');
  const { records } = await importFile(raw, { format: 'auto', badRows: 'refuse' });
  const staging = stagingOptionsSchema.parse({ stages: 3, by: 'rows', holdout: 3, nearDuplicates: 0 });
  const input = { path: raw, import: { format: 'auto', badRows: 'refuse' } } as const;
  await stageInto(data, records.slice(0, 60), resolveStaging(staging), input);
  const compile = backend.name === 'tensorflow' ? ({ compile: 'none' } as const) : {};
  recipe = { model, data, steps: 2, saveEvery: 1, batchRows: 4, ...compile };
});

const into = (name: string, more: Partial<TrainingInput> = {}): TrainingInput => ({
  ...recipe,
  ...more,
  out: join(home, name),
});

/** Trains until the given event, which ends the loop over events. */
async function leaveAt(options: TrainingInput, is: (event: TrainEvent) => boolean) {
  const run = train(options);
  for await (const event of run.events) if (is(event)) break;
  return run;
}

describe('a run', () => {
  let events: TrainEvent[];

  test('happens as events, and its result is what run.json holds, with the folder of the adapter', async () => {
    const run = train(into('straight'));
    events = [];
    for await (const event of run.events) events.push(event);
    const { folder, adapter, run: recorded } = await run.result;
    expect(folder).toBe(join(home, 'straight'));
    expect(recorded).toEqual(await readRunFile(folder));
    expect(recorded.status).toBe('done');
    expect(await hashFile(join(adapter, 'adapter_model.safetensors'))).toBe(recorded.adapter!.sha256);
    const steps = events.flatMap((event) => (event.type === 'step' ? [[event.stage, event.step]] : []));
    expect(steps).toEqual([
      [1, 1],
      [1, 2],
      [2, 1],
      [2, 2],
      [3, 1],
      [3, 2],
    ]);
  });

  test('is prepared and planned before it begins, and says so', () => {
    const types = [...new Set(events.map(({ type }) => type))];
    expect(types.slice(0, 3)).toEqual(['encode', 'plan', 'run']);
    const plan = events.find((event) => event.type === 'plan')!;
    expect(plan.recipe).toMatchObject({ ...recipe, lora: { rank: 8 }, optim: { warmup: expect.anything() } });
    expect(events.find((event) => event.type === 'run')!.stages).toEqual(plan.stages);
  });

  test('records versions, inputs and their hashes by itself', async () => {
    const { versions, inputs, begunIn } = await readRunFile(join(home, 'straight'));
    const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
    expect(versions).toMatchObject({ phasetune: version, node: process.version, device: (await testBackend()).device });
    expect(begunIn).toBe(process.cwd());
    const weights = await hashFile(join(recipe.model, 'model.safetensors'));
    expect(inputs.model.files['model.safetensors']).toBe(`sha256:${weights}`);
    expect(inputs.data.manifest).toBe(await hashFile(join(recipe.data, 'manifest.json')));
  });

  nativeOnly('whose steps are compiled as a whole says how many programs that makes, before the first', async () => {
    const seen: TrainEvent[] = [];
    await leaveAt(into('whole', { compile: 'whole' }), (event) => seen.push(event) > 0 && event.type === 'compile');
    const plan = seen.find((event) => event.type === 'plan')!;
    const shapes = Object.values(plan.shapes).reduce((n, each) => n + each.length, 0);
    expect(shapes).toBeGreaterThan(1);
    expect(seen.at(-1)).toEqual({ type: 'compile', programs: shapes });
    expect(seen.map(({ type }) => type)).not.toContain('run');
  });

  test('comes to the same without a reader of its events', async () => {
    const { adapter } = await train(into('unread')).result;
    expect(adapter).toBe(join(home, 'unread', 'adapter'));
    expect(await runDifferences(join(home, 'straight'), join(home, 'unread'))).toEqual([]);
  });

  test('that is done has nothing left to do, and refuses other options', async () => {
    const out = join(home, 'straight');
    const again = train({ out, resume: true });
    const seen: string[] = [];
    for await (const { type } of again.events) seen.push(type);
    expect(seen).toEqual(['already-done']);
    expect((await again.result).run).toEqual(await readRunFile(out));
    await expect(train({ out, resume: true, steps: 5 }).result).rejects.toMatchObject({
      code: 'usage',
      fields: { option: 'out', changes: 'steps was 2, is 5' },
    });
  });
});

describe('a run that is stopped', () => {
  test('by its signal saves, rejects as interrupted, and is resumed to the same bytes with its folder alone', async () => {
    const out = join(home, 'stopped');
    const stop = new AbortController();
    const run = train(into('stopped'), { signal: stop.signal });
    const reading = (async () => {
      for await (const event of run.events) if (event.type === 'step' && event.stage === 2) stop.abort();
    })();
    await expect(reading).rejects.toMatchObject({ code: 'interrupted', fields: { stage: 2 } });
    await expect(run.result).rejects.toMatchObject({ code: 'interrupted' });
    expect((await readRunFile(out)).status).toBe('interrupted');
    const resumed = train({ out, resume: true });
    const from = [];
    for await (const event of resumed.events) if (event.type === 'resume') from.push(event.from);
    expect(from).toEqual([expect.objectContaining({ stage: 2, step: 1 })]);
    await resumed.result;
    expect(await runDifferences(join(home, 'straight'), out)).toEqual([]);
  });

  test('by leaving the loop frees its folder, and can be resumed to the same bytes', async () => {
    const out = join(home, 'left');
    const run = await leaveAt(into('left'), (event) => event.type === 'step' && event.stage === 3);
    await expect(run.result).rejects.toMatchObject({ code: 'interrupted' });
    expect((await readRunFile(out)).status).toBe('interrupted');
    const claim = await claimRunFolder(out, true);
    expect(claim.lock.takenOver).toBeUndefined();
    await claim.release();
    await train({ out, resume: true }).result;
    expect(await runDifferences(join(home, 'straight'), out)).toEqual([]);
  });

  test.each(['encode', 'plan'])('at the event "%s" leaves nothing behind', async (type) => {
    await leaveAt(into(`early-${type}`), (event) => event.type === type);
    expect(await readdir(home)).not.toContain(`early-${type}`);
  });

  test('before it has begun leaves nothing behind', async () => {
    const stopped = train(into('aborted'), { signal: AbortSignal.abort() });
    await expect(stopped.result).rejects.toMatchObject({ code: 'interrupted' });
    expect(await readdir(home)).not.toContain('aborted');
  });
});

describe('an error', () => {
  const errorOf = (options: object) =>
    train({ ...into('refused'), ...options }).result.then(
      () => undefined,
      (error: unknown) => error,
    );

  test('of an option names it, before anything is written', async () => {
    expect(await errorOf({ lora: { rnak: 3 } })).toMatchObject({
      code: 'usage',
      message: '`lora.rnak`: unknown option (did you mean "rank"?)',
      fields: { option: 'lora.rnak' },
    });
    expect(await errorOf({ epochs: 0 })).toMatchObject({ code: 'usage', fields: { option: 'epochs' } });
    expect(await errorOf({ force: true })).toMatchObject({ code: 'usage', fields: { option: 'force' } });
    expect(await readdir(home)).not.toContain('refused');
  });

  test('of rows that do not fit carries what would help, as data', async () => {
    expect(await errorOf({ maxLength: 4 })).toMatchObject({
      code: 'data',
      fields: { remedies: [{ option: 'maxLength', change: 'raise' }] },
    });
    expect(await readdir(home)).not.toContain('refused');
  });

  test('of a folder that holds a run says how to resume it', async () => {
    expect(await errorOf({ out: join(home, 'straight') })).toMatchObject({
      code: 'usage',
      fields: {
        file: join(home, 'straight'),
        option: 'out',
        remedies: [{ option: 'resume', change: 'set' }, { option: 'out', change: 'set' }, expect.anything()],
      },
    });
  });

  nativeOnly('of a memory limit that cannot be kept says what the run needs, and what would help', async () => {
    expect(await errorOf({ memoryLimit: '1MiB' })).toMatchObject({
      code: 'usage',
      fields: {
        option: 'memoryLimit',
        actual: 2 ** 20,
        remedies: [
          { option: 'memoryLimit', change: 'raise' },
          { option: 'maxLength', change: 'lower' },
          { option: 'loadIn8bit', change: 'set', value: true },
        ],
      },
    });
    expect(await readdir(home)).not.toContain('refused');
  });
});

describe('a plan', () => {
  test('is that of the run, and writes nothing', async () => {
    const progress: number[] = [];
    const plan = await planTraining(into('planned'), { onProgress: ({ done }) => progress.push(done) });
    expect(plan.stages).toEqual(
      (await readRunFile(join(home, 'straight'))).stages.map(
        ({ plan: _, planned: __, origin: ___, end, best, consumed, seconds, tokensPerSecond, ...summary }) => summary,
      ),
    );
    expect(plan.report).toMatchObject({ rows: 60, kept: 60 });
    expect(progress.at(-1)).toBe(60);
    expect(await readdir(home)).not.toContain('planned');
  });

  nativeOnly('says what the run will take, and how it keeps to a memory limit', async () => {
    const whole = await planTraining(into('planned'));
    const { peak, variables, tensors } = whole.memory!.forecast!;
    expect(peak).toBeGreaterThan(variables + tensors);
    const limited = await planTraining(into('planned', { memoryLimit: '1TiB' }));
    expect(limited.stages).toEqual(whole.stages);
    expect(limited.memory!.tooLarge).toEqual([]);
  });
});

describe('shapes of batches', () => {
  const shapesIn = async (more: Partial<TrainingInput>, name = 'planned') => {
    const { recipe, shapes, stages } = await planTraining(
      into(name, { compile: 'parts', batching: 'bucketed', padTo: 1, epochs: 400, steps: undefined, ...more }),
    );
    return { recorded: recipe.maxShapes, count: Object.values(shapes).flat().length, stages };
  };

  test('are few on a card, those of held-out rows among them, and recorded', async () => {
    const cpu = await shapesIn({ device: 'cpu' });
    expect(cpu.recorded).toBeUndefined();
    expect(cpu.count).toBeGreaterThan(2);
    const cuda = await shapesIn({ device: 'cuda' });
    expect(cuda).toMatchObject({ recorded: 2, count: 2 });
    expect(await shapesIn({ device: 'cpu', maxShapes: 2 })).toEqual(cuda);
    expect(await shapesIn({ device: 'cuda', maxShapes: 3 })).toMatchObject({ recorded: 3, count: 3 });
    expect(await shapesIn({ device: 'cuda', compile: 'none' })).toMatchObject({
      recorded: undefined,
      count: cpu.count,
    });
  });

  test('stay those of the run that is resumed, whatever computes it', async () => {
    const begun = into('resumed', { compile: 'none', batching: 'bucketed', padTo: 1 });
    await leaveAt(begun, ({ type }) => type === 'step');
    const resumed = async (device: 'cpu' | 'cuda') => {
      const { recipe, shapes } = await planTraining({ out: begun.out!, resume: true, compile: 'parts', device });
      return { recorded: recipe.maxShapes, shapes };
    };
    expect((await resumed('cpu')).recorded).toBeUndefined();
    expect(await resumed('cuda')).toEqual(await resumed('cpu'));
  });
});

describe('the module', () => {
  const probe = async (code: string) => {
    const without = join(ROOT, 'tests/cli/without-tensorflow.mjs');
    const args = ['--import', import.meta.resolve('tsx'), '--import', without, '--input-type=module', '--eval', code];
    return promisify(execFile)(process.execPath, args, { cwd: ROOT });
  };
  const load = `const { planTraining, train } = await import('./src/workflow/train.ts');`;

  test('loads no TensorFlow, and plans where there is none', async () => {
    const options = JSON.stringify(into('planned'));
    const { stdout } = await probe(
      `${load} const { stages, warnings } = await planTraining(${options}); console.log(JSON.stringify({ stages: stages.length, warnings }));`,
    );
    const { stages, warnings } = JSON.parse(stdout);
    expect(stages).toBe(3);
    expect(warnings).toContainEqual(
      expect.stringMatching(/^peak memory is not known: .*@tensorflow.* is not installed/),
    );
  });

  test('needs it to train', async () => {
    const options = JSON.stringify(into('without'));
    await expect(probe(`${load} await train(${options}).result;`)).rejects.toThrow(/@tensorflow.* is not installed/);
    expect(await readdir(home)).not.toContain('without');
  });
});
