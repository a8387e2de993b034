import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { Recipe } from '../../src/config/recipe.js';
import { hashOf, sha256 } from '../../src/core/hash.js';
import { readStaged } from '../../src/curriculum/manifest.js';
import { type HandedOver, handOver } from '../../src/handover/hand-over.js';
import { type HandoverRow, heldOutLineSchema, readHandoverRecord } from '../../src/handover/handover-record.js';
import type { HandoverInput } from '../../src/handover/options.js';
import { hashFile } from '../../src/io/files.js';
import { prepareRun } from '../../src/train/prepare.js';
import { readRunEvents } from '../../src/train/read-run-events.js';
import { stage } from '../../src/workflow/stage.js';
import { train } from '../../src/workflow/train.js';
import { trainingOptionsSchema } from '../../src/workflow/train-options.js';
import { lastJson, startPhasetune } from '../cli/child.js';
import { temporaryFolder } from '../helpers/folder.js';
import { ROOT } from '../helpers/program.js';
import { writeTinyStudy } from '../helpers/study.js';

const MODEL = join(ROOT, 'models/tiny-llama');
const HELD = 10;
let folder: string;
let rows: string;
const at = (...path: string[]) => join(folder, ...path);

/** Options of the recipe of all tests. */
const RECIPE = { epochs: 1.5, batchRows: 6, seed: 5, optim: { warmup: 3, minLrRatio: 0.1 } };

const recipeFile = (name: string, changes: object = {}): string => {
  writeFileSync(at(name), JSON.stringify({ model: MODEL, data: at('staged'), ...RECIPE, ...changes }));
  return at(name);
};

/** Hands the recipe over, changed, to a folder of this name. */
const handed = (name: string, changes: object = {}, options: Partial<HandoverInput> = {}): Promise<HandedOver> =>
  handOver({ source: recipeFile(`${name}.json`, changes), engine: 'trl', out: at(name), ...options });

const linesOf = <T>(...path: string[]): T[] =>
  readFileSync(at(...path), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

interface ListLine {
  readonly id: string | null;
  readonly step: number;
  readonly epoch: number;
}

beforeAll(async () => {
  folder = temporaryFolder('handover');
  rows = at('rows.jsonl');
  const demo = readFileSync(join(ROOT, 'datasets/demo/raw.jsonl'), 'utf8').split('\n');
  writeFileSync(rows, `${demo.slice(0, 3 * (100 + HELD)).join('\n')}\n`);
  await stage({ file: rows, out: at('staged'), stages: 3, by: 'rows', holdout: HELD });
});

describe('the rows', () => {
  let whole: HandedOver;
  beforeAll(async () => {
    whole = await handed('whole', {}, { processes: 2 });
  });

  test('of three stages of 100 rows have the ids and labels that `inspect rows` shows, hash for hash', async () => {
    const set = await readStaged(at('staged'));
    expect(set.stages.map((each) => each.rows.length)).toEqual([100, 100, 100]);
    const args = ['inspect', 'rows', '--data', rows, '--model', MODEL, '--limit', '1000', '--json'];
    const { out, err } = await startPhasetune(args).ended;
    expect(err).not.toContain('error');
    const shown = lastJson(out).rows as { id: string; ids: number[]; mask: number[] }[];
    const hashes = new Map(
      shown.map(({ id, ids, mask }) => [
        id,
        hashOf({
          input_ids: ids,
          attention_mask: ids.map(() => 1),
          labels: ids.map((token, t) => (mask[t] === 1 ? token : -100)),
        }),
      ]),
    );
    const seen = new Set<string>();
    for (const { file, list } of whole.record.stages) {
      const lines = linesOf<HandoverRow>('whole', file.path);
      const ids = linesOf<ListLine>('whole', list.path).map(({ id }) => id);
      expect(ids).toHaveLength(lines.length);
      for (const [i, id] of ids.entries()) {
        if (id === null) continue;
        seen.add(id);
        expect(hashOf(lines[i]), id).toBe(hashes.get(id));
      }
    }
    expect(seen.size).toBe(300);
    const heldOut = linesOf('whole', 'rows/held-out.list.jsonl').map((line) => heldOutLineSchema.parse(line).id);
    expect(heldOut).toEqual(set.holdout.map(({ id }) => id));
    for (const [i, line] of linesOf('whole', 'rows/held-out.jsonl').entries())
      expect(hashOf(line)).toBe(hashes.get(heldOut[i]!));
  });

  test('stand in the order of the plan, step by step, and what fills a step is not trained', async () => {
    const options = trainingOptionsSchema.parse({ model: MODEL, data: at('staged'), out: 'run', ...RECIPE });
    const { plan, model } = await prepareRun(options);
    await model.close();
    const { rowsPerStep, processes, rowsPerProcess, accumulation } = whole.record.training;
    expect([processes, processes * rowsPerProcess * accumulation]).toEqual([2, rowsPerStep]);
    for (const [i, { file, list, steps, planned, filled, trainedTokens }] of whole.record.stages.entries()) {
      const lines = linesOf<HandoverRow>('whole', file.path);
      const placed = linesOf<ListLine>('whole', list.path);
      expect(lines).toHaveLength(steps * rowsPerStep);
      expect(placed.map(({ step }) => step)).toEqual(lines.map((_, line) => 1 + Math.floor(line / rowsPerStep)));
      expect(placed.filter(({ id }) => id === null)).toHaveLength(filled);
      // The ledger that a run keeps of the rows it consumed.
      let ledger = sha256('');
      for (let step = 1; step <= steps; step++) {
        const ids = placed.filter((line) => line.step === step && line.id !== null).map(({ id }) => id);
        ledger = sha256([ledger, ...ids].join('\n'));
      }
      expect(ledger).toBe(planned.sha256);
      expect(placed.map(({ epoch }) => epoch)).toEqual(
        lines.map((_, line) => 1 + plan.stages[i]!.batches.steps[Math.floor(line / rowsPerStep)]!.epoch),
      );
      const trained = lines.map(({ labels }) => labels.slice(1).filter((label) => label !== -100).length);
      expect(trained.reduce((x, y) => x + y, 0)).toBe(trainedTokens);
      const ofFills = trained.filter((_, line) => placed[line]!.id === null);
      expect(new Set(ofFills)).toEqual(new Set(filled > 0 ? [0] : []));
      // Engines drop a row without any label.
      expect(lines.every(({ labels }) => labels.some((label) => label !== -100))).toBe(true);
    }
  });

  test('and every other file are listed, with their hashes, and nothing else is there', async () => {
    const record = await readHandoverRecord(at('whole'));
    expect(record).toEqual(JSON.parse(JSON.stringify(whole.record)));
    const files = [
      ...record.stages.flatMap(({ file, list }) => [file, list]),
      record.holdout!.file,
      record.holdout!.list,
    ];
    for (const { path, sha256: hash } of files) expect(await hashFile(at('whole', path)), path).toBe(hash);
    expect(record.firstAdapter.sha256).toBe(await hashFile(at('whole', 'adapter-0/adapter_model.safetensors')));
    expect(readdirSync(at('whole')).sort()).toEqual(
      [
        'README.md',
        'accelerate',
        'adapter-0',
        'handover.json',
        'requirements.txt',
        'rows',
        'run.sh',
        'train.py',
      ].sort(),
    );
    expect(readdirSync(at('whole', 'adapter-0')).sort()).toEqual(['adapter_config.json', 'adapter_model.safetensors']);
  });
});

test('the plan and the first adapter are those of the run, to the byte', async () => {
  const run = at('run');
  const recipe = { model: MODEL, data: at('staged'), out: run, ...RECIPE, epochs: undefined, steps: 1 };
  const { run: done } = await train({ ...recipe, device: 'cpu', precision: 'float32', mode: 'eager' }).result;
  const { record } = await handOver({ source: run, engine: 'trl', out: at('of-run') });
  expect(record.source).toEqual({ kind: 'run', path: run });
  expect(record.training.precision).toBe('float32');
  expect(record.inputs).toEqual(done.inputs);
  for (const [i, { plan, planned, trainedTokens }] of record.stages.entries())
    expect({ plan, planned, trainedTokens }).toEqual({
      plan: done.stages[i]!.plan,
      planned: done.stages[i]!.planned,
      trainedTokens: done.stages[i]!.trainedTokens,
    });
  const begun: string[] = [];
  for await (const event of readRunEvents(run))
    if (event.type === 'checkpoint' && event.path === 'stage-1/step-000000') begun.push(event.sha256);
  expect(begun).toEqual([record.firstAdapter.sha256]);
  // With other rows it is another plan.
  const path = join(run, 'run.json');
  const text = readFileSync(path, 'utf8');
  writeFileSync(path, text.replaceAll(done.stages[1]!.planned.sha256, '0'.repeat(64)));
  await expect(handOver({ source: run, engine: 'trl', out: at('other') })).rejects.toThrow(
    'the plan of this run cannot be made again',
  );
  await expect(handOver({ source: run, engine: 'trl', out: at('other') })).rejects.toThrow(
    'the batches of stage 2 are others',
  );
  writeFileSync(path, text.replaceAll(done.inputs.data.manifest, '0'.repeat(64)));
  await expect(handOver({ source: run, engine: 'trl', out: at('other') })).rejects.toThrow('staged data was');
  expect(existsSync(at('other'))).toBe(false);
});

test('a cell of a study is handed over with its own recipe', async () => {
  const study = await writeTinyStudy(at('study'), { arms: { a: {}, b: { order: 'one-off' } }, seeds: [4] });
  const other = join(study.folder, 'cells/c-seed-4');
  await expect(handOver({ source: other, engine: 'trl', out: at('of-cell') })).rejects.toThrow('no cell c-seed-4');
  // It need not have begun.
  const cell = join(study.folder, 'cells/b-seed-4');
  const { record } = await handOver({ source: cell, engine: 'trl', out: at('of-cell') });
  expect([record.source.kind, record.order, record.seed, record.stages.length]).toEqual(['cell', 'one-off', 4, 1]);
  const planned = study.cells.find(({ arm }) => arm === 'b')!.planned;
  expect(record.stages[0]!.trainedTokens).toBe(planned.trainedTokens);
});

test.each<[what: string, changes: object, message: string]>([
  ['carried moments', { optimizer: 'carried' }, 'stage 2: `optimizer: carried` cannot be handed over'],
  ['the best checkpoint', { start: 'previous-best' }, 'stage 2: `start: previous-best` cannot be handed over'],
  ['a stage from the base', { stages: [{}, {}, { start: 'base' }] }, 'stage 3: `start: base` cannot be handed over'],
  ['a merged adapter', { stages: [{}, { adapter: 'merged' }] }, 'stage 2: `adapter: merged` cannot be handed over'],
  ['skipped steps', { onSpike: 'skip' }, '`onSpike: skip` cannot be handed over'],
  ['weights in 4 bits', { loadIn4bit: true }, '`loadIn4bit: true` cannot be handed over'],
])('%s cannot be handed over, and nothing is written', async (what, changes, message) => {
  const name = what.replaceAll(' ', '-');
  await expect(handed(name, changes)).rejects.toMatchObject({
    code: 'usage',
    message: expect.stringContaining(message),
  });
  expect(readdirSync(folder).filter((each) => each.includes(name))).toEqual([`${name}.json`]);
});

test('what is neither a run nor a cell nor a recipe is refused', async () => {
  const refused = (source: string) => handOver({ source, engine: 'trl', out: at('none') });
  await expect(refused(at('staged'))).rejects.toThrow('neither a run nor a cell of a study');
  await expect(refused(at('missing'))).rejects.toThrow('there is no such file or folder');
  writeFileSync(at('broken.yaml'), `model: ${MODEL}\ndata: staged\nepochs: many\n`);
  await expect(refused(at('broken.yaml'))).rejects.toThrow('broken.yaml:3: epochs');
});

describe('the options of the engine', () => {
  const training = async (name: string, changes: object, options: Partial<HandoverInput> = {}) =>
    (await handed(name, changes, options)).record.training;

  test('come from the recipe where they are not given', async () => {
    const fixed = { batching: 'padded', batchRows: 8, accumulate: 2 };
    expect(await training('one-gpu', { ...fixed, precision: 'bfloat16' })).toMatchObject({
      ...{ precision: 'bfloat16', attention: 'sdpa', gradientCheckpointing: false },
      ...{ processes: 1, rowsPerProcess: 8, accumulation: 2, rowsPerStep: 16 },
    });
    expect(await training('four-gpus', { ...fixed, devices: [0, 1, 2, 3] })).toMatchObject({
      ...{ gradientCheckpointing: true, processes: 4, rowsPerProcess: 2, accumulation: 2, rowsPerStep: 16 },
    });
    expect(await training('few-rows', fixed, { processes: 4, rowsPerProcess: 1, precision: 'float32' })).toMatchObject({
      ...{ precision: 'float32', processes: 4, rowsPerProcess: 1, accumulation: 4, rowsPerStep: 16 },
    });
  });

  test('with more processes than rows a step is filled, and it is said', async () => {
    const { record, warnings } = await handed('idle', { batching: 'padded', batchRows: 2 }, { processes: 8 });
    expect(record.training).toMatchObject({ processes: 8, rowsPerProcess: 1, rowsPerStep: 8 });
    expect(warnings.join()).toContain('75% of the lines only fill steps up to 8 rows');
  });

  test('what the engine does otherwise is in the record and in README.md', async () => {
    const { record } = await handed('otherwise', { lora: { dropout: 0.1 }, evalEvery: 2, memoryLimit: '8GiB' });
    const said = record.differences.join('\n');
    for (const word of ['bfloat16', 'Dropout (0.1)', 'held-out loss', '8GiB', 'AdamW']) expect(said).toContain(word);
    const readme = readFileSync(at('otherwise', 'README.md'), 'utf8');
    for (const sentence of record.differences) expect(readme).toContain(sentence);
  });
});

test('configurations of accelerate are YAML with the processes and the precision', async () => {
  const { record } = await handed('yaml', { precision: 'bfloat16' }, { processes: 4 });
  const read = (name: string) => parse(readFileSync(at('yaml', 'accelerate', name), 'utf8'));
  expect(read('one.yaml')).toMatchObject({ distributed_type: 'NO', num_processes: 1, mixed_precision: 'bf16' });
  expect(read('copies.yaml')).toMatchObject({ distributed_type: 'MULTI_GPU', num_processes: 4 });
  expect(read('fsdp2.yaml')).toMatchObject({
    distributed_type: 'FSDP',
    num_processes: 4,
    fsdp_config: { fsdp_version: 2, fsdp_state_dict_type: 'FULL_STATE_DICT' },
  });
  expect(read('zero3.yaml')).toMatchObject({ distributed_type: 'DEEPSPEED', deepspeed_config: { zero_stage: 3 } });
  expect(readFileSync(at('yaml', 'accelerate/zero3.yaml'), 'utf8')).toContain('NOT VERIFIED');
  expect(readFileSync(at('yaml', 'run.sh'), 'utf8')).toContain('for stage in 1 2 3; do');
  expect((record.recipe as unknown as Recipe).batchRows).toBe(6);
});
