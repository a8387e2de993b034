import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runDifferences } from '../../src/train/run-differences.js';
import { readRunFile } from '../../src/train/run-file.js';
import { lastJson, ROOT, startPhasetune } from '../cli/child.js';
import { phasetune } from '../cli/in-process.js';
import { nativeOnly, testBackend } from '../helpers/backend.js';
import { writeTinyModel } from '../helpers/tiny-model.js';

let home: string;
let model: string;
let data: string;

beforeAll(async () => {
  await testBackend();
  home = await mkdtemp(join(tmpdir(), 'phasetune-train-'));
  model = await writeTinyModel(join(home, 'model'));
  data = join(home, 'staged');
  const rows = (await readFile(join(ROOT, 'datasets/demo/raw.jsonl'), 'utf8')).split('\n').slice(0, 60);
  await writeFile(join(home, 'rows.jsonl'), rows.join('\n'));
  expect((await phasetune('stage', join(home, 'rows.jsonl'), '--out', data)).code).toBe(0);
});
afterAll(() => rm(home, { recursive: true }));

const train = (out: string, ...args: string[]) =>
  phasetune('train', '--model', model, '--data', data, '--out', join(home, out), '--batch-rows', '8', ...args);

const SHORT = ['--steps', '2', '--lora.rank', '2'];

test('three stages end in an adapter, a table of losses and the files that tell of the run', async () => {
  const { code, out, err } = await train('run', ...SHORT);
  expect(err).toMatch(/stage 3 of 3: 2 steps in/);
  expect(code).toBe(0);
  expect(out).toMatch(/^after stage 3 .* [+-]\d\.\d{3}$/m);
  expect(out).toContain(join(home, 'run/adapter'));
  const file = await readRunFile(join(home, 'run'));
  expect(file.recipe).toMatchObject({ model, data, steps: 2, batchRows: 8, lora: { rank: 2, alpha: 16 } });
  expect(file.versions).toMatchObject({ node: process.version });
  expect(Object.keys(file.inputs.model.files)).toContain('model.safetensors');
  expect((await readdir(join(home, 'run/adapter'))).sort()).toEqual([
    'adapter_config.json',
    'adapter_model.safetensors',
  ]);
});

test.each(['one-off', 'random', 'reversed', 'shuffled'])('order %s goes the same way', async (order) => {
  const { code, out } = await train(`run-${order}`, ...SHORT, '--compile', 'none', '--order', order, '--json');
  expect(code).toBe(0);
  const result = lastJson(out) as { order: string; stages: { steps: number }[]; matrix: { rows: unknown[] } };
  expect(result.order).toBe(order);
  expect(result.stages.map(({ steps }) => steps)).toEqual(order === 'one-off' ? [2] : [2, 2, 2]);
  expect(result.matrix.rows).toHaveLength(order === 'one-off' ? 2 : 4);
});

test('--dry-run tells the plan without TensorFlow, and writes nothing', async () => {
  const hook = `export async function resolve(name, context, next) {
    if (name.includes('@tensorflow/')) throw new Error('TensorFlow was loaded');
    return next(name, context);
  }`;
  const register = `import { register } from 'node:module'; register('data:text/javascript,' + encodeURIComponent(${JSON.stringify(hook)}))`;
  const env = { NODE_OPTIONS: `--import "data:text/javascript,${encodeURIComponent(register)}"` };
  const args = ['train', '--model', model, '--data', data, '--out', join(home, 'dry'), '--epochs', '2', '--json'];
  const { code, out, err } = await startPhasetune([...args, '--dry-run'], { env }).ended;
  expect(err).toMatch(/peak memory is not known: .*TensorFlow was loaded/);
  expect(code).toBe(0);
  const { stages, shapes } = lastJson(out) as {
    stages: { rows: number; steps: number; tokens: number; paddedTokens: number }[];
    shapes: Record<string, { lines: number; length: number; targets: number }[]>;
  };
  expect(stages.map(({ rows }) => rows)).toEqual([18, 18, 18]);
  for (const { steps, tokens, paddedTokens } of stages) {
    // Two epochs in packed batches of four rows on average.
    expect(Math.abs(steps - 9)).toBeLessThanOrEqual(4);
    expect(tokens).toBeLessThan(paddedTokens);
  }
  const [shape, ...others] = shapes.trainStep!;
  expect(others).toEqual([]);
  expect(stages.map(({ steps, paddedTokens }) => paddedTokens / steps)).toEqual(
    new Array(3).fill(shape!.lines * shape!.length),
  );
  expect(shapes.accumulate).toEqual([]);
  expect(shapes.evalLoss).toHaveLength(1);
  expect(await readdir(home)).not.toContain('dry');
  // The hook is real: what needs TensorFlow fails under it.
  const real = await startPhasetune([...args, '--device', 'wasm'], { env }).ended;
  expect(real.err).toContain('TensorFlow was loaded');
});

nativeOnly(
  '--dry-run tells the peak of memory, and --memory-limit chooses how to keep to one, or says that none can',
  async () => {
    const dry = async (...args: string[]) => {
      const ended = await train('dry', '--batching', 'padded', '--dry-run', '--compile', 'none', '--json', ...args);
      return {
        ...ended,
        told: lastJson(ended.out) as { memory: Record<string, number>; stages: object[]; shapes: object },
      };
    };
    const whole = (await dry()).told;
    expect(whole.memory).toMatchObject({ microBatches: 1, gradientCheckpointing: false });
    const { peak, variables, tensors, besides } = whole.memory as Record<string, number>;
    expect(peak).toBeGreaterThanOrEqual(variables! + tensors! + besides!);
    const roomy = (await dry('--memory-limit', '1TiB')).told;
    expect(roomy.memory).toMatchObject({ microBatches: 1, gradientCheckpointing: false });
    expect(roomy.stages).toEqual(whole.stages);
    const small = await dry('--memory-limit', '1MiB');
    expect(small.code).toBe(2);
    expect(small.told).toMatchObject({ error: { code: 'usage', actual: 2 ** 20 } });
    expect(small.err).toMatch(/--memory-limit: the run needs .* [MG]iB at least \(batches/);
    const eager = await dry('--memory-limit', '1TiB', '--mode', 'eager');
    expect(eager.err).toMatch(/--memory-limit needs --mode captured/);
  },
);

test.each([
  ['SIGINT', 130],
  ['SIGHUP', 129],
] as const)('%s saves the adapter so far and ends with %i', async (signal, status) => {
  const out = join(home, `interrupted-${signal}`);
  const length = ['--steps', '4000', '--save-every', '20', '--compile', 'none', '--json'];
  const { child, ended } = startPhasetune(['train', '--model', model, '--data', data, '--out', out, ...length]);
  const begun = async () => (await readdir(join(out, 'stage-1')).catch(() => [])).length > 1;
  while (child.exitCode === null && !(await begun())) await setTimeout(20);
  child.kill(signal);
  const { code, out: printed } = await ended;
  expect(code).toBe(status);
  const { error } = lastJson(printed) as { error: { code: string; stage: number; path: string } };
  expect(error).toMatchObject({ code: 'interrupted', stage: 1 });
  expect(await readdir(join(out, error.path))).toContain('manifest.json');
  expect((await readRunFile(out)).status).toBe('interrupted');
});

describe('bad input is one line that says what to do, and nothing is written', () => {
  const lineOf = (err: string) => err.trimEnd().split('\n').at(-1)!;
  const refused = async (code: number, message: RegExp, ...args: string[]) => {
    const ended = await train('refused', ...args);
    expect(lineOf(ended.err)).toMatch(message);
    expect(ended.code).toBe(code);
    expect(await readdir(home)).not.toContain('refused');
  };

  test('a model that is not there', () =>
    refused(3, /nowhere: no such file or folder; expected safetensors/, '--model', join(home, 'nowhere')));
  test('a folder that is not staged', () => refused(3, /not a staged folder .*phasetune stage/, '--data', model));
  test('rows that are all too long', () =>
    refused(3, /none of 60 rows fits in 4 tokens .* raise --max-length/, '--max-length', '4'));
  test('one row too long under --overflow refuse', () =>
    refused(3, /rows are over 40 tokens: .* raise --max-length/, '--max-length', '40', '--overflow', 'refuse'));
  test('a target the model has not', () =>
    refused(2, /--lora\.targets: "c_attn" matches no projection/, '--lora.targets', 'c_attn'));
  test('two lengths of one stage', () =>
    refused(2, /epochs and steps in entry 1 of --stages are both given/, '--stages', '[{"epochs":1,"steps":2}]'));
  test('two lengths', () => refused(2, /--epochs and --steps are both given/, '--epochs', '1', '--steps', '2'));
  test('an unknown flag', () => refused(2, /--epoch: unknown flag \(did you mean "--epochs"\?\)/, '--epoch', '1'));
  test('more overrides than stages', () =>
    refused(2, /stages: expected at most 3 entries/, '--set', 'stages=[{},{},{},{}]'));

  test('a tokenizer of another model', async () => {
    const other = join(home, 'other');
    await cp(model, other, { recursive: true });
    const config = JSON.parse(await readFile(join(other, 'config.json'), 'utf8')) as Record<string, unknown>;
    await writeFile(join(other, 'config.json'), JSON.stringify({ ...config, vocab_size: 1000 }));
    await refused(
      3,
      /embed_tokens\.weight: expected shape \[1000, 16\] by config\.json, got \[2048, 16\]/,
      '--model',
      other,
    );
  });

  test('a run that is there', async () => {
    expect((await train('taken', ...SHORT, '--compile', 'none')).code).toBe(0);
    const { code, err } = await train('taken', ...SHORT);
    expect(lineOf(err)).toMatch(
      /taken already contains a run; set --resume to continue it, or set --out to another folder, or remove the folder/,
    );
    expect(code).toBe(2);
  });
});

nativeOnly('a run that is resumed from another folder finds its inputs, and comes to the same bytes', async () => {
  const args = ['train', '--model', 'model', '--data', 'staged', '--steps', '8', '--lora.rank', '2', '--mode', 'eager'];
  const straight = startPhasetune([...args, '--out', join(home, 'straight')], { cwd: home });
  expect((await straight.ended).code).toBe(0);
  const { child, ended } = startPhasetune([...args, '--out', join(home, 'far')], { cwd: home });
  child.stderr.on('data', (text: string) => text.includes('held-out loss, base') && child.kill('SIGINT'));
  expect((await ended).code).toBe(130);
  const elsewhere = join(home, 'elsewhere');
  await mkdir(elsewhere);
  const resumed = startPhasetune(['train', '--out', join(home, 'far'), '--resume'], { cwd: elsewhere });
  expect(await resumed.ended).toMatchObject({ code: 0, err: expect.stringContaining('continuing at step') });
  expect(await runDifferences(join(home, 'straight'), join(home, 'far'))).toEqual([]);
  expect(await readRunFile(join(home, 'far'))).toMatchObject({
    begunIn: home,
    recipe: { model: 'model', data: 'staged' },
  });
});

test('a run whose output nobody reads any more is trained to its end, and leaves no lock', async () => {
  const args = ['train', '--model', model, '--data', data, '--out', join(home, 'unread'), ...SHORT, '--mode', 'eager'];
  const { child, ended } = startPhasetune(args);
  for (const stream of [child.stdout, child.stderr]) stream.once('data', () => stream.destroy());
  expect((await ended).code).toBe(0);
  expect((await readRunFile(join(home, 'unread'))).status).toBe('done');
  expect((await readdir(join(home, 'unread'))).sort()).toEqual([
    'adapter',
    'events.jsonl',
    'run.json',
    'stage-0',
    'stage-1',
    'stage-2',
    'stage-3',
  ]);
});
