import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { PhasetuneError } from '../../src/core/errors.js';
import { float32, type HostTensor } from '../../src/core/host-tensor.js';
import { readJson } from '../../src/io/json.js';
import { openSafetensors, type SafetensorsDtype, writeSafetensors } from '../../src/io/safetensors.js';
import { adapterSpecs, initAdapter } from '../../src/lora/adapter.js';
import { loraOptions } from '../../src/lora/options.js';
import { readAdapter, writeAdapter } from '../../src/lora/peft-files.js';
import { parseModelConfig } from '../../src/model/config.js';
import { linearShapes } from '../../src/model/parameters.js';

const FIXTURE = 'tests/fixtures/train';
const baseConfig = (await readJson(`${FIXTURE}/base/config.json`)) as Record<string, unknown>;
const linearsOf = (changes: Record<string, unknown> = {}) =>
  linearShapes(parseModelConfig({ ...baseConfig, ...changes }, 'config.json'));
const linears = linearsOf();

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'phasetune-peft-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** A copy of the adapter that PEFT wrote, changed. */
async function changed(change: {
  config?: Record<string, unknown>;
  tensors?: (given: Map<string, HostTensor>) => void;
  dtype?: SafetensorsDtype;
}): Promise<string> {
  await cp(`${FIXTURE}/adapter`, folder, { recursive: true });
  const config = (await readJson(join(folder, 'adapter_config.json'))) as Record<string, unknown>;
  await writeFile(join(folder, 'adapter_config.json'), JSON.stringify({ ...config, ...change.config }));
  const file = await openSafetensors(`${FIXTURE}/adapter`);
  const tensors = new Map<string, HostTensor>();
  for (const name of file.tensors.keys()) tensors.set(name, await file.read(name));
  await file.close();
  change.tensors?.(tensors);
  const written = [...tensors].map(([name, { shape, data }]) => ({ name, shape, data, dtype: change.dtype ?? 'F32' }));
  await writeSafetensors(join(folder, 'adapter_model.safetensors'), written);
  return folder;
}

const refusal = (path: string, model = linears): Promise<PhasetuneError> =>
  readAdapter(path, model).then(
    () => expect.fail('it was read'),
    (error: PhasetuneError) => error,
  );

test('an adapter that PEFT wrote is read whole', async () => {
  const { options, tensors, base } = await readAdapter(`${FIXTURE}/adapter`, linears);
  expect(options).toEqual({ rank: 4, alpha: 8, dropout: 0, targets: 'all-linear', rsLora: false });
  expect(base).toEqual({ name: null });
  const file = await openSafetensors(`${FIXTURE}/adapter`);
  expect([...tensors.keys()].sort()).toEqual([...file.tensors.keys()].sort());
  for (const [name, { data }] of tensors) expect(data).toEqual((await file.read(name)).data);
  await file.close();
});

test.each(['BF16', 'F16'] as const)('an adapter in %s is read, to the precision of that type', async (dtype) => {
  const exact = await readAdapter(`${FIXTURE}/adapter`, linears);
  const { tensors } = await readAdapter(await changed({ dtype }), linears);
  for (const [name, { data }] of exact.tensors)
    for (const [i, x] of data.entries())
      expect(Math.abs(tensors.get(name)!.data[i]! - x)).toBeLessThanOrEqual(Math.abs(x) * 2 ** -8 + 2 ** -24);
});

test('what is written is read back bit for bit, with the options and the base', async () => {
  const options = loraOptions.parse({
    rank: 3,
    alpha: 5,
    dropout: 0.05,
    rsLora: true,
    targets: ['q_proj', 'mlp.up_proj'],
  });
  const tensors = new Map(initAdapter(adapterSpecs(linears, options), 4));
  await writeAdapter(folder, { options, tensors }, linears, { name: 'org/base' });
  expect(await readAdapter(folder, linears)).toEqual({ options, tensors, base: { name: 'org/base' }, warnings: [] });
});

test('all-linear is written as the names of the projections, which PEFT of any version reads alike', async () => {
  const options = loraOptions.parse({ rank: 2 });
  await writeAdapter(folder, { options, tensors: new Map(initAdapter(adapterSpecs(linears, options), 4)) }, linears, {
    name: null,
  });
  const config = JSON.parse(await readFile(join(folder, 'adapter_config.json'), 'utf8')) as Record<string, unknown>;
  expect(config.target_modules).toEqual('q_proj k_proj v_proj o_proj gate_proj up_proj down_proj'.split(' '));
  expect(config).toMatchObject({ peft_type: 'LORA', task_type: 'CAUSAL_LM', r: 2, lora_alpha: 16, bias: 'none' });
});

test('a pattern for target_modules picks whole names, as PEFT’s does', async () => {
  const isQuery = (name: string) => name.includes('q_proj');
  const keepQueries = (tensors: Map<string, HostTensor>) => {
    for (const name of tensors.keys()) if (!isQuery(name)) tensors.delete(name);
  };
  const path = await changed({ config: { target_modules: '.*\\.layers\\.\\d+\\..*q_proj' }, tensors: keepQueries });
  const { options, tensors } = await readAdapter(path, linears);
  expect(options.targets).toEqual([0, 1].map((i) => `model.layers.${i}.self_attn.q_proj`));
  expect(tensors.size).toBe(4);
  await writeFile(
    join(path, 'adapter_config.json'),
    JSON.stringify({ peft_type: 'LORA', r: 4, lora_alpha: 8, target_modules: 'q_proj' }),
  );
  expect((await refusal(path)).message).toMatch(
    /adapter_config.json: target_modules: the pattern "q_proj" matches no projection/,
  );
});

describe('files that PEFT opens', () => {
  /** The same matrices under other names. */
  const renamed = (rename: (name: string) => string) => (tensors: Map<string, HostTensor>) => {
    for (const [name, value] of [...tensors]) {
      tensors.delete(name);
      tensors.set(rename(name), value);
    }
  };

  test('matrices with the name of the adapter in their names are read as the same adapter', async () => {
    const exact = await readAdapter(`${FIXTURE}/adapter`, linears);
    const path = await changed({ tensors: renamed((name) => name.replace('.weight', '.default.weight')) });
    expect(await readAdapter(path, linears)).toEqual(exact);
  });

  test('matrices in double precision are read as the same adapter', async () => {
    const exact = await readAdapter(`${FIXTURE}/adapter`, linears);
    const header: Record<string, object> = {};
    const parts: Buffer[] = [];
    let at = 0;
    for (const [name, { shape, data }] of exact.tensors) {
      const bytes = Buffer.from(Float64Array.from(data).buffer);
      header[name] = { dtype: 'F64', shape, data_offsets: [at, at + bytes.length] };
      parts.push(bytes);
      at += bytes.length;
    }
    const text = Buffer.from(JSON.stringify(header));
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(text.length));
    const path = await changed({});
    await writeFile(join(path, 'adapter_model.safetensors'), Buffer.concat([length, text, ...parts]));
    expect(await readAdapter(path, linears)).toEqual(exact);
  });

  test('a matrix that is there under both names is refused', async () => {
    const path = await changed({
      tensors: (tensors) => {
        const [name, value] = [...tensors][0]!;
        tensors.set(name.replace('.weight', '.default.weight'), value);
      },
    });
    expect((await refusal(path)).message).toMatch(/the matrix is also there as base_model\..*; keep only one of them/);
  });

  test('a target that matches nothing is passed over with a warning', async () => {
    const { target_modules } = (await readJson(`${FIXTURE}/adapter/adapter_config.json`)) as {
      target_modules: string[];
    };
    const path = await changed({ config: { target_modules: [...target_modules, 'query_key_value'] } });
    const { options, warnings } = await readAdapter(path, linears);
    expect(options.targets).toBe('all-linear');
    expect(warnings).toEqual([expect.stringContaining('target_modules: the model has no projection query_key_value')]);
  });

  test.each(['.*\\.(?P<kind>[a-z_]+)\\_proj', '(?i).*_PROJ', '\\Amodel\\.layers.*\\Z'])(
    'a pattern in Python’s language is read: %s',
    async (target_modules) => {
      const { options } = await readAdapter(await changed({ config: { target_modules } }), linears);
      expect(options.targets).toBe('all-linear');
    },
  );
});

describe('the error says what is there instead', () => {
  test.each([[['q_proj', 'lm_head']], ['.*(_proj|lm_head)'], [['embed_tokens']]])(
    'an adapter on the head or the embedding: %j',
    async (target_modules) => {
      const error = await refusal(await changed({ config: { target_modules } }));
      expect(error.fields).toMatchObject({ field: 'target_modules' });
      expect(error.message).toMatch(/takes (lm_head|model\.embed_tokens) as well.*merge the adapter.*with PEFT/);
    },
  );

  test('matrices under the names of a larger model', async () => {
    const path = await changed({
      tensors: (tensors) => {
        for (const [name, value] of [...tensors]) {
          tensors.delete(name);
          tensors.set(name.replace('model.model.', 'model.model.language_model.'), value);
        }
      },
    });
    expect((await refusal(path)).message).toMatch(
      /the matrix is missing.*there is base_model\.model\.language_model\.model\.layers/,
    );
  });

  test('a folder that has its adapter a level down, and a model', async () => {
    await cp(`${FIXTURE}/adapter`, join(folder, 'sft'), { recursive: true });
    await mkdir(join(folder, 'logs'));
    expect((await refusal(folder)).message).toBe(
      `${folder}: no adapter_config.json in it; expected a PEFT adapter folder; there is one in ${join(folder, 'sft')}: give that folder`,
    );
    expect((await refusal(`${FIXTURE}/base`)).message).toMatch(/this is a model: give it as the model$/);
  });

  test('a pattern that cannot be read, with what to write instead', async () => {
    const error = await refusal(await changed({ config: { target_modules: '(?x) .* _proj' } }));
    expect(error.message).toMatch(
      /cannot read the pattern .* as one of Python's re \(the flag x.*write target_modules as a list of names/,
    );
  });
});

describe('refused with one line that names file, place, expected and found', () => {
  const a = 'base_model.model.model.layers.1.mlp.down_proj.lora_A.weight';

  test('an adapter for another width', async () => {
    const error = await refusal(`${FIXTURE}/adapter`, linearsOf({ hidden_size: 64, head_dim: 16 }));
    expect(error.code).toBe('data');
    expect(error.message).toMatch(
      /adapter_model\.safetensors: .*q_proj\.lora_A\.weight: expected \[4, 64\], found \[4, 32\]: the adapter is for a model with hidden size 32, this one has 64$/,
    );
  });

  test('an adapter for a deeper model, and where it was trained', async () => {
    const path = await changed({
      config: {
        base_model_name_or_path: 'org/deep',
        target_modules: ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'],
      },
    });
    const error = await refusal(path, linearsOf({ num_hidden_layers: 1 }));
    expect(error.message).toMatch(
      /layers\.1\..*: unexpected tensor.*: the adapter is for a model with 2 layers, this one has 1; it was trained on org\/deep$/,
    );
  });

  test('a missing matrix', async () => {
    const path = await changed({ tensors: (tensors) => tensors.delete(a) });
    expect((await refusal(path)).message).toContain(`${a}: the matrix is missing, expected [4, 48]`);
  });

  test('an unexpected tensor', async () => {
    const path = await changed({
      tensors: (tensors) => tensors.set('base_model.model.lm_head.lora_A.weight', float32([1], [0])),
    });
    expect((await refusal(path)).message).toMatch(/lm_head\.lora_A\.weight: unexpected tensor/);
  });

  test('a matrix of another rank than r', async () => {
    const path = await changed({ config: { r: 8 } });
    expect((await refusal(path)).message).toMatch(/lora_A\.weight: expected \[8, 32\], found \[4, 32\]$/);
  });

  test('a value that is no number', async () => {
    const path = await changed({
      tensors: (tensors) => {
        tensors.get(a)!.data[7] = Number.NaN;
      },
    });
    expect((await refusal(path)).message).toContain(`${a}: element 7 is NaN, expected a finite number`);
  });

  test.each([
    ['use_dora', true],
    ['bias', 'all'],
    ['lora_bias', true],
    ['modules_to_save', ['lm_head']],
    ['rank_pattern', { q_proj: 2 }],
    ['alpha_pattern', { q_proj: 2 }],
    ['layers_to_transform', [0]],
    ['exclude_modules', ['k_proj']],
    ['fan_in_fan_out', true],
    ['trainable_token_indices', [1]],
    ['init_lora_weights', 'pissa'],
    ['peft_type', 'LOHA'],
    ['task_type', 'SEQ_CLS'],
    ['use_rslora', 'yes'],
    ['r', 0],
    ['r', -4],
    ['r', 2.5],
    ['r', '8'],
    ['r', 1e9],
    ['lora_alpha', '16'],
    ['lora_alpha', 0],
    ['lora_dropout', 1],
    ['target_modules', null],
    ['target_modules', []],
    ['target_modules', [1]],
    ['peft_type', undefined],
    ['a_field_of_tomorrow', 'on'],
  ])('the field %s = %j', async (field, value) => {
    const error = await refusal(await changed({ config: { [field]: value } }));
    expect(error).toMatchObject({ code: 'data', fields: { field } });
    expect(error.message).toContain(`adapter_config.json: ${field}`);
  });

  test('target_modules that the model does not have', async () => {
    const error = await refusal(await changed({ config: { target_modules: ['query_key_value'] } }));
    expect(error).toMatchObject({ code: 'data' });
    expect(error.message).toMatch(
      /adapter_config\.json: target_modules: "query_key_value" matches no projection.*q_proj/,
    );
  });

  test('a pattern in target_modules that never ends by itself is stopped', async () => {
    const error = await refusal(await changed({ config: { target_modules: '(([a-z_.0-9]+)+)+!' } }));
    expect(error.message).toMatch(/adapter_config\.json: target_modules: cannot read the pattern "\(\(/);
  });

  test('a pattern that is none', async () => {
    const error = await refusal(await changed({ config: { target_modules: '(q_proj' } }));
    expect(error.message).toContain('target_modules: cannot read the pattern "(q_proj"');
  });

  test('a folder that is no adapter', async () => {
    await mkdir(join(folder, 'empty'));
    expect((await refusal(join(folder, 'empty'))).message).toBe(
      `${join(folder, 'empty')}: no adapter_config.json in it; expected a PEFT adapter folder`,
    );
  });
});
