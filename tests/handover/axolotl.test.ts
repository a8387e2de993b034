import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { sha256 } from '../../src/core/hash.js';
import { type HandedOver, handOver } from '../../src/handover/hand-over.js';
import type { HandoverInput } from '../../src/handover/options.js';
import { stage } from '../../src/workflow/stage.js';
import { temporaryFolder } from '../helpers/folder.js';
import { ROOT } from '../helpers/program.js';

const MODEL = join(ROOT, 'models/tiny-llama');
const LOADER = fileURLToPath(new URL('load_axolotl.py', import.meta.url));
const MISSING = 'set PHASETUNE_AXOLOTL_PYTHON to a Python with Axolotl 0.19.0';
const RECIPE = { epochs: 1.5, batchRows: 4, seed: 5, precision: 'float32', lora: { rank: 4, alpha: 8 } };
let folder: string;
const at = (...path: string[]) => join(folder, ...path);

const handed = (name: string, changes: object = {}, options: Partial<HandoverInput> = {}): Promise<HandedOver> => {
  writeFileSync(at(`${name}.json`), JSON.stringify({ model: MODEL, data: at('staged'), ...RECIPE, ...changes }));
  return handOver({ source: at(`${name}.json`), engine: 'axolotl', out: at(name), ...options });
};

const text = (...path: string[]) => readFileSync(at(...path), 'utf8');

beforeAll(async () => {
  folder = temporaryFolder('axolotl');
  const demo = readFileSync(join(ROOT, 'datasets/demo/raw.jsonl'), 'utf8').split('\n');
  writeFileSync(at('rows.jsonl'), `${demo.slice(0, 60).join('\n')}\n`);
  await stage({ file: at('rows.jsonl'), out: at('staged'), stages: 3, by: 'rows', holdout: 5 });
});

describe('the files for Axolotl', () => {
  test('are a configuration for each stage, which reads the adapter of the one before', async () => {
    const { record, files } = await handed('one', { optim: { learningRate: 1e-3, warmup: 1, eps: 1e-8 } });
    expect(files).toEqual([
      'phasetune_axolotl.py',
      'stage-1.yaml',
      'stage-2.yaml',
      'stage-3.yaml',
      'run.sh',
      'README.md',
    ]);
    for (const { stage, steps } of record.stages) {
      // As Axolotl reads it: by YAML 1.1.
      const config = parse(text('one', `stage-${stage}.yaml`), { version: '1.1' });
      expect(config).toMatchObject({
        ...{
          base_model: MODEL,
          adapter: 'lora',
          lora_model_dir: `adapter-${stage - 1}`,
          output_dir: `adapter-${stage}`,
        },
        datasets: [{ path: `rows/stage-${stage}.jsonl`, ds_type: 'json', type: null }],
        ...{ curriculum_sampling: true, shuffle_merged_datasets: false, sample_packing: false, val_set_size: 0 },
        ...{ num_epochs: 1, max_steps: steps, learning_rate: 1e-3, warmup_steps: 1, adam_epsilon: 1e-8 },
        ...{ bf16: false, lora_r: 4, lora_alpha: 8, dataset_prepared_path: `prepared/stage-${stage}` },
        plugins: ['phasetune_axolotl.Stage'],
      });
      expect(config).not.toHaveProperty('fsdp_config');
    }
  });

  test('divide the model by FSDP2 where there are several processes', async () => {
    const { record } = await handed('two', { precision: 'bfloat16' }, { processes: 2 });
    expect(parse(text('two', 'stage-1.yaml'))).toMatchObject({
      ...{ bf16: true, fsdp_version: 2, micro_batch_size: record.training.rowsPerProcess },
      fsdp_config: { state_dict_type: 'FULL_STATE_DICT', transformer_layer_cls_to_wrap: 'LlamaDecoderLayer' },
    });
    expect(text('two', 'run.sh')).toMatch(/--num_processes 2 .* -m axolotl\.cli\.train/);
  });

  test('are refused where Axolotl has no number for alpha', async () => {
    await expect(handed('refused', { lora: { rank: 4, alpha: 8.5 } })).rejects.toMatchObject({
      ...{ code: 'usage', fields: { option: 'lora.alpha' } },
    });
  });

  test("are read by Axolotl's own loader, and its rows are ours, hash for hash", async ({ skip }) => {
    const python = process.env.PHASETUNE_AXOLOTL_PYTHON;
    if (!python) {
      console.warn(`skipped: the files are read by Axolotl's own loader: ${MISSING}`);
      skip(MISSING);
      return;
    }
    const { record } = await handed('loaded');
    const { stdout } = await promisify(execFile)(
      python,
      [LOADER, ...record.stages.map(({ stage }) => `stage-${stage}.yaml`)],
      {
        cwd: at('loaded'),
        env: {
          ...{ PATH: process.env.PATH, HOME: process.env.HOME, PYTHONPATH: at('loaded'), TMPDIR: folder },
          ...{ HF_HUB_OFFLINE: '1', AXOLOTL_DO_NOT_TRACK: '1', CUDA_VISIBLE_DEVICES: '', OMP_NUM_THREADS: '1' },
          ...{ HF_DATASETS_CACHE: at('datasets-cache') },
        },
        maxBuffer: 1 << 28,
      },
    );
    const loaded = JSON.parse(/^RESULT (.*)$/m.exec(stdout)![1]!);
    expect(loaded).toHaveLength(3);
    for (const [i, { config, evaluated, steps, rows }] of loaded.entries()) {
      const { schedule, file, to } = record.stages[i]!;
      expect(config).toMatchObject({
        ...{ output_dir: to, max_steps: record.stages[i]!.steps, learning_rate: schedule.learningRate },
        ...{ curriculum_sampling: true, sample_packing: false, warmup_steps: schedule.warmupSteps },
      });
      expect({ evaluated, steps }).toEqual({ evaluated: false, steps: record.stages[i]!.steps });
      const written = rows.map((row: object) => `${JSON.stringify(row)}\n`).join('');
      expect(sha256(written)).toBe(file.sha256);
    }
  }, 900_000);
});
