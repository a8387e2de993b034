import { rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { PhasetuneError } from '../../../src/core/errors.js';
import { sizeOf } from '../../../src/core/host-tensor.js';
import { openGguf } from '../../../src/io/gguf.js';
import { openSafetensors } from '../../../src/io/safetensors.js';
import { parseModelConfig } from '../../../src/model/config.js';
import { importModel } from '../../../src/model/import.js';
import { parameterShapes } from '../../../src/model/parameters.js';
import { GGUF_MUTATIONS, ggufFile } from './gguf-file.js';
import { jsonMutation } from './mutate-json.js';
import { floats, noise } from './noise.js';
import type { Parser, Seed } from './parser.js';
import { SAFETENSORS_MUTATIONS, safetensorsFile } from './safetensors-file.js';
import { BYTE_LEVEL, PIECES, tinyGguf } from './tiny-gguf.js';

const utf8 = (text: string) => new Uint8Array(Buffer.from(text));

const TYPES_FILE = safetensorsFile({
  wide: { dtype: 'F64', shape: [2, 3], data: noise(48, 'wide') },
  long: { dtype: 'I64', shape: [2], data: new Uint8Array(BigInt64Array.of(-3n, 7n).buffer) },
  plain: { dtype: 'F32', shape: [3, 5], data: floats(15, 'plain') },
  number: { dtype: 'I32', shape: [3], data: noise(12, 'number') },
  half: { dtype: 'F16', shape: [4, 2], data: noise(16, 'half') },
  brain: { dtype: 'BF16', shape: [5], data: noise(10, 'brain') },
  bytes: { dtype: 'U8', shape: [7], data: noise(7, 'bytes') },
  none: { dtype: 'F32', shape: [0, 4], data: new Uint8Array(0) },
  'a.b.scalar': { dtype: 'F8_E4M3', shape: [], data: noise(1, 'scalar') },
});

const ONE = safetensorsFile({ weight: { dtype: 'F32', shape: [2, 2], data: floats(4, 'one') } });

/** Reads every tensor in every way. What is taken lies inside its file and has as many values as its shape says. */
async function readAllSafetensors(path: string): Promise<void> {
  const weights = await openSafetensors(path);
  try {
    for (const [name, t] of weights.tensors) {
      const { size } = await stat(t.file);
      if (t.offset < 8 || t.offset + t.bytes > size) throw new Error(`tensor ${name} lies outside its file`);
      if ((await weights.readBytes(name)).length !== t.bytes)
        throw new Error(`tensor ${name}: another number of bytes`);
      for (const read of [weights.read, weights.readBfloat16]) {
        const value = await read(name).catch(unlessRefused);
        if (value && value.data.length !== sizeOf(t.shape)) throw new Error(`tensor ${name}: another number of values`);
      }
    }
  } finally {
    await weights.close();
  }
}

/** A tensor of integers or bytes is no weight: refusing to read it as one is right, and the next is read. */
function unlessRefused(error: unknown): undefined {
  if (!(error instanceof PhasetuneError && error.code === 'data')) throw error;
}

async function readAllGguf(path: string): Promise<void> {
  const gguf = await openGguf(path);
  try {
    for (const [name, t] of gguf.tensors) {
      const { size } = await stat(t.file);
      if (t.offset < 24 || t.offset + t.bytes > size) throw new Error(`tensor ${name} lies outside its file`);
      if ((await gguf.read(name)).data.length !== sizeOf(t.shape))
        throw new Error(`tensor ${name}: another number of values`);
    }
  } finally {
    await gguf.close();
  }
}

/**
 * Imports into a folder beside the file, and takes it away again; what a refused import leaves
 * behind is seen by the caller.
 */
async function importBeside(source: string, folder: string): Promise<void> {
  const out = join(folder, 'imported');
  await importModel(source, out, { dtype: 'bfloat16' });
  await readAllSafetensors(out);
  await rm(out, { recursive: true });
}

const BLOCKS_FILE = ggufFile(
  [
    ['general.architecture', 'text', 'llama'],
    ['general.alignment', 'u32', 32],
    ['a.u8', 'u8', 7],
    ['a.i16', 'i16', -3],
    ['a.flag', 'flag', true],
    ['a.f64', 'f64', 0.1],
    ['a.big', 'u64', 2 ** 40],
    ['a.texts', 'text', ['grüße', '', '\ufeff', '▁the']],
    ['a.numbers', 'f32', [0.5, -1.25]],
  ],
  [
    { name: 'F32', shape: [3, 2], type: 0, data: floats(6, 'f32') },
    { name: 'F16', shape: [5], type: 1, data: noise(10, 'f16') },
    { name: 'Q4_0', shape: [32, 2], type: 2, data: noise(36, 'q4_0') },
    { name: 'Q8_0', shape: [32], type: 8, data: noise(34, 'q8_0') },
    { name: 'Q4_K', shape: [256], type: 12, data: noise(144, 'q4_k') },
    { name: 'Q6_K', shape: [256], type: 14, data: noise(210, 'q6_k') },
    { name: 'BF16', shape: [2, 2, 2], type: 30, data: noise(16, 'bf16') },
  ],
);

const CONFIG = {
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  vocab_size: 8,
  hidden_size: 8,
  intermediate_size: 12,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  tie_word_embeddings: true,
};

function modelSeed(): Seed {
  const shapes = [...parameterShapes(parseModelConfig(CONFIG, 'config.json'))];
  const tensors = shapes.map(
    ([name, shape]) => [name, { dtype: 'F32', shape, data: floats(sizeOf(shape), name) }] as const,
  );
  return {
    file: 'model.safetensors',
    bytes: safetensorsFile(Object.fromEntries(tensors)),
    beside: { 'config.json': utf8(JSON.stringify(CONFIG)), 'tokenizer.json': utf8('{}') },
  };
}

const INDEX = 'model.safetensors.index.json';

/** Readers of binary files, and of the index that names them. */
export const BINARY_PARSERS: readonly Parser[] = [
  {
    name: 'safetensors',
    seeds: () => [TYPES_FILE, ONE].map((bytes) => ({ file: 'model.safetensors', bytes })),
    mutations: SAFETENSORS_MUTATIONS,
    open: readAllSafetensors,
  },
  {
    name: 'safetensors-index',
    seeds: () => [
      {
        file: INDEX,
        bytes: utf8(
          JSON.stringify({
            metadata: { total_size: 1 },
            weight_map: { plain: 'a.safetensors', brain: 'a.safetensors', weight: 'b.safetensors' },
          }),
        ),
        beside: { 'a.safetensors': TYPES_FILE, 'b.safetensors': ONE },
      },
    ],
    mutations: [jsonMutation],
    open: (path) => readAllSafetensors(dirname(path)),
  },
  {
    name: 'gguf',
    seeds: () => [
      { file: 'model.gguf', bytes: BLOCKS_FILE },
      {
        file: 'model-00001-of-00002.gguf',
        bytes: ggufFile([['split.count', 'u16', 2]], [{ name: 'x', shape: [2], type: 0, data: floats(2, 'x') }]),
        beside: { 'model-00002-of-00002.gguf': BLOCKS_FILE },
      },
    ],
    mutations: GGUF_MUTATIONS,
    open: readAllGguf,
  },
  {
    name: 'gguf-import',
    seeds: () => [PIECES, BYTE_LEVEL].map((tokenizer) => ({ file: 'model.gguf', bytes: tinyGguf(tokenizer) })),
    mutations: GGUF_MUTATIONS,
    open: (path) => importBeside(path, dirname(path)),
  },
  {
    name: 'folder-import',
    seeds: () => [modelSeed()],
    mutations: SAFETENSORS_MUTATIONS,
    open: (path) => importBeside(dirname(path), dirname(path)),
  },
];
