import { dirname } from 'node:path';
import { parse } from 'yaml';
import { jsonSchemaOf } from '../../../src/config/from-zod.js';
import { resolveLayers } from '../../../src/config/layers.js';
import { recipeSchema } from '../../../src/config/recipe.js';
import { recipeLayer } from '../../../src/config/sources.js';
import { sha256 } from '../../../src/core/hash.js';
import type { Random } from '../../../src/core/random.js';
import { readStaged } from '../../../src/curriculum/manifest.js';
import { encodeRow } from '../../../src/data/encode.js';
import { readRecords } from '../../../src/data/import.js';
import { encodeOptionsSchema } from '../../../src/data/options.js';
import type { Message } from '../../../src/data/record.js';
import { readJson } from '../../../src/io/json.js';
import { readJsonLines } from '../../../src/io/jsonl.js';
import { readAdapter } from '../../../src/lora/peft-files.js';
import { parseModelConfig } from '../../../src/model/config.js';
import { linearShapes, parameterShapes } from '../../../src/model/parameters.js';
import { loadTokenizer } from '../../../src/tokenizer/tokenizer.js';
import { readRunFile } from '../../../src/train/run-file.js';
import { pick } from './mutate.js';
import { jsonMutation, mutatedJson } from './mutate-json.js';
import type { Mutation, Parser, Seed } from './parser.js';
import { safetensorsFile } from './safetensors-file.js';

const utf8 = (text: string) => new Uint8Array(Buffer.from(text));

const textOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('utf8');

const json = (file: string, value: unknown, beside?: Seed['beside']): Seed => ({
  file,
  bytes: utf8(JSON.stringify(value)),
  ...(beside && { beside }),
});

const lines = (file: string, rows: readonly unknown[]): Seed => ({
  file,
  bytes: utf8(rows.map((row) => `${JSON.stringify(row)}\n`).join('')),
});

/** One line of JSON Lines as JSON. */
const lineMutation: Mutation = (bytes, random) => {
  const all = textOf(bytes).split('\n');
  const at = random.integer(all.length);
  all[at] = mutatedJson(all[at]!, random);
  return utf8(all.join('\n'));
};

/** Puts one of these texts in, or in place of a word. */
const wordMutation =
  (words: readonly string[]): Mutation =>
  (bytes, random: Random) => {
    const parts = textOf(bytes).split(/(\W+)/);
    const at = random.integer(parts.length);
    const word = pick(words, random);
    parts[at] = random.integer(2) ? word : `${parts[at]}${word}`;
    return utf8(parts.join(''));
  };

const SPACES = wordMutation(['\r\n', '\n\n', '\u2028', '\ufeff', '\u0000', '\t', ' '.repeat(5000), '\n'.repeat(5000)]);

const CHAT = [
  { role: 'user', content: 'What is 2 + 2?' },
  { role: 'assistant', content: 'It is 4.' },
];

const RECORDS = [
  { id: 'a', messages: [{ role: 'system', content: 'Be brief.' }, ...CHAT], score: 1.5, stage: 1, meta: { from: 'x' } },
  { id: 'b', messages: CHAT, score: 2 },
];

/** A set in each format that is imported, as JSON Lines or as one JSON array. */
const ROW_SEEDS: readonly Seed[] = [
  lines('rows.jsonl', RECORDS),
  lines('rows.jsonl', [{ messages: CHAT, tag: 1 }, { messages: [...CHAT, ...CHAT] }]),
  json('rows.json', [
    {
      conversations: [
        { from: 'human', value: 'hi' },
        { from: 'gpt', value: 'ho' },
      ],
      system: 's',
    },
  ]),
  lines('rows.jsonl', [{ id: 7, score: '3.5', data: ['question', 'answer', 'more', 'end'] }]),
  json('rows.json', [
    { instruction: 'add', input: '1 2', output: '3', history: [['a', 'b']] },
    { instruction: 'say', output: 'ok' },
  ]),
  lines('rows.jsonl', [
    { prompt: 'p', completion: 'c' },
    { prompt: [CHAT[0]], completion: [CHAT[1]] },
  ]),
];

/** Every record is one: a conversation that ends with an answer, and an id of its own. */
async function importAll(path: string): Promise<void> {
  const records = await readRecords(path, { format: 'auto', badRows: 'skip' });
  if (new Set(records.map(({ id }) => id)).size !== records.length) throw new Error('an id occurs twice');
  for (const { messages } of records)
    if (messages.at(-1)?.role !== 'assistant') throw new Error('a record without an answer');
  JSON.stringify(records);
}

async function readLines(path: string): Promise<void> {
  let last = 0;
  for await (const { line } of readJsonLines(path)) {
    if (line <= last) throw new Error('lines are out of order');
    last = line;
  }
}

/** A byte-level tokenizer of a few words; the texts of the tests need no other letters. */
const BYTES = [...Array.from({ length: 94 }, (_, i) => String.fromCharCode(33 + i)), 'Ġ', 'Ċ'];
const WORDS = ['<|end|>', '<|turn|>', ...BYTES, 'it', 'Ġi', 'us', 'er'];

const ADDED = { single_word: false, lstrip: false, rstrip: true, normalized: false, special: true };

const TOKENIZER = {
  version: '1.0',
  truncation: null,
  padding: null,
  added_tokens: ['<|end|>', '<|turn|>'].map((content, id) => ({ id, content, ...ADDED })),
  normalizer: {
    type: 'Sequence',
    normalizers: [{ type: 'NFC' }, { type: 'Replace', pattern: { String: 'ß' }, content: 'ss' }],
  },
  pre_tokenizer: {
    type: 'Sequence',
    pretokenizers: [
      {
        type: 'Split',
        pattern: { Regex: "'s| ?\\p{L}+| ?\\p{N}| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+" },
        behavior: 'Isolated',
        invert: false,
      },
      { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false },
    ],
  },
  post_processor: {
    type: 'TemplateProcessing',
    single: [{ SpecialToken: { id: '<|end|>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
    pair: [{ Sequence: { id: 'A', type_id: 0 } }, { Sequence: { id: 'B', type_id: 1 } }],
    special_tokens: { '<|end|>': { id: '<|end|>', ids: [0], tokens: ['<|end|>'] } },
  },
  decoder: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
  model: {
    type: 'BPE',
    unk_token: null,
    byte_fallback: false,
    ignore_merges: true,
    vocab: Object.fromEntries(WORDS.map((word, id) => [word, id])),
    merges: [
      ['i', 't'],
      ['Ġ', 'i'],
      ['u', 's'],
      ['e', 'r'],
    ],
  },
};

const PIECES = {
  ...TOKENIZER,
  added_tokens: ['<unk>', '<|end|>', '<|turn|>'].map((content, id) => ({ id, content, ...ADDED })),
  normalizer: { type: 'Prepend', prepend: '▁' },
  pre_tokenizer: { type: 'Metaspace', replacement: '▁', prepend_scheme: 'first' },
  post_processor: null,
  decoder: {
    type: 'Sequence',
    decoders: [
      { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
      { type: 'ByteFallback' },
      { type: 'Fuse' },
      { type: 'Strip', content: ' ', start: 1, stop: 0 },
    ],
  },
  model: {
    type: 'Unigram',
    unk_id: 0,
    byte_fallback: true,
    vocab: [
      ['<unk>', 0],
      ['<|end|>', 0],
      ['<|turn|>', 0],
      ['▁', -1],
      ['a', -2.5],
      ['▁It', -3],
      ['user', -4],
    ],
  },
};

const TEMPLATE = `{%- if messages[0].role == 'system' %}{% set rest = messages[1:] %}{{ '<|turn|>' + messages[0]['content'] | trim }}
{%- else %}{% set rest = messages %}{% endif -%}
{% macro turn(m, end='<|end|>') %}<|turn|>{{ m.role }}\n{{ m['content'].strip() }}{{ end }}{% endmacro %}
{%- for i in range(3) %}{{ [i, i] | join(', ') | replace('1', 'one') | tojson(indent=2) }}{% endfor -%}
{%- set ns = namespace(last=-1) -%}
{%- for m in rest -%}
  {%- if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles must alternate') }}{% endif %}
  {%- set ns.last = loop.index -%}{{ turn(m) }}{{ '\n' if loop.index else '' }}
{%- endfor -%}
{%- if add_generation_prompt %}<|turn|>assistant\n{% endif %}`;

const TEMPLATE_WORDS = [
  '{% for i in range(1000000000) %}', '{% for i in range(20000) %}', '{% endfor %}', '{% for a in messages %}{% for b in messages %}',
  '{% set x = x ~ x %}', '{% set rest = rest + rest %}', '{% set x %}{{ x }}{{ x }}{% endset %}', '{{ turn(turn(m)) }}', '{% macro turn(m) %}{{ turn(m) }}{% endmacro %}',
  '{{ messages.constructor }}', "{{ ''.__class__.__mro__ }}", '{{ constructor.constructor("return process")() }}', '{{ self }}', '{{ range }}',
  '**', '9999999999', '-1', '|join(messages|tojson)', `|replace("", "${'x'.repeat(3000)}")`, '|indent(100000000)', '|tojson(indent=100000)',
  '((((', '[[[[', '{{', '}}', '{%-', '-%}', '{#', '#}', '"', "'", '\\', '|', '.', '[', ']', 'not', 'and', 'in', 'is', 'if', 'else', 'loop', 'ns', 'm', 'none', 'generation',
]; // biome-ignore format: a table

const SPECIAL = utf8(JSON.stringify({ eos_token: '<|end|>', unk_token: null }));

const BESIDE_TOKENIZER = { 'tokenizer_config.json': SPECIAL, 'chat_template.jinja': utf8(TEMPLATE) };

/** Loads the tokenizer of the file's folder and has a row rendered, encoded and decoded. Ids lie in the vocabulary. */
async function useTokenizer(path: string): Promise<void> {
  const tokenizer = await loadTokenizer(dirname(path));
  const options = encodeOptionsSchema.parse({ trainOn: 'all', maxLength: 4096 });
  const messages = [...CHAT, ...CHAT] as Message[];
  const ids = await tokenizer.encode("It's 42 users, aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!\n\n  ok");
  const bad = ids.find((id) => !Number.isInteger(id) || id < 0 || id >= tokenizer.vocabSize);
  if (bad !== undefined) throw new Error(`an id that is none: ${bad}`);
  await tokenizer.decode(ids, { skipSpecialTokens: true });
  await encodeRow({ id: 'a', messages }, tokenizer, options);
}

const CONFIG = {
  architectures: ['LlamaForCausalLM'], model_type: 'llama', vocab_size: 64, hidden_size: 16, intermediate_size: 24,
  num_hidden_layers: 2, num_attention_heads: 4, num_key_value_heads: 2, head_dim: 4, hidden_act: 'silu', rms_norm_eps: 1e-5,
  max_position_embeddings: 128, rope_theta: 10000, attention_bias: false, mlp_bias: false, tie_word_embeddings: true,
  rope_scaling: { rope_type: 'llama3', factor: 8, low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 64 },
  eos_token_id: [1, 2],
}; // biome-ignore format: a table

/** Works out what a model of this configuration consists of. */
async function useConfig(path: string): Promise<void> {
  const config = parseModelConfig(await readJson(path), path);
  for (const [name, shape] of parameterShapes(config))
    if (!shape.every((n) => Number.isSafeInteger(n) && n > 0)) throw new Error(`${name}: ${shape}`);
}

const LINEARS = linearShapes(parseModelConfig(CONFIG, 'config.json'));

const ADAPTER = {
  peft_type: 'LORA', r: 2, lora_alpha: 4, lora_dropout: 0, target_modules: ['q_proj', 'v_proj'], bias: 'none', task_type: 'CAUSAL_LM',
  use_rslora: false, use_dora: false, modules_to_save: null, fan_in_fan_out: false, rank_pattern: {}, alpha_pattern: {}, init_lora_weights: true,
  base_model_name_or_path: 'org/base', inference_mode: true, layers_to_transform: null, revision: null,
}; // biome-ignore format: a table

function adapterWeights(): Uint8Array {
  const matrices = [...LINEARS].flatMap(([module, { inputs, outputs }]) =>
    /\.(q|v)_proj$/.test(module)
      ? (
          [
            ['A', [2, inputs]],
            ['B', [outputs, 2]],
          ] as const
        ).map(([side, shape]) => [`base_model.model.${module}.lora_${side}.weight`, shape] as const)
      : [],
  );
  return safetensorsFile(
    Object.fromEntries(
      matrices.map(([name, shape]) => [name, { dtype: 'F32', shape, data: new Uint8Array(4 * shape[0] * shape[1]) }]),
    ),
  );
}

function stagedSeed(): Seed {
  const rows = (stage: number) =>
    RECORDS.map((row) => JSON.stringify({ ...row, id: `${row.id}${stage}`, stage })).join('\n');
  const files = { 'stage-1.jsonl': rows(1), 'stage-2.jsonl': rows(2), 'holdout.jsonl': rows(3) };
  const entry = (file: keyof typeof files) => ({ file, sha256: sha256(files[file]), rows: 2 });
  const scores = { min: 1.5, max: 2, mean: 1.75 };
  const manifest = {
    schema: 'phasetune/staged-set',
    version: 2,
    input: {
      file: 'rows.jsonl',
      sha256: sha256('x'),
      rows: 6,
      withoutScore: 0,
      import: { format: 'auto', badRows: 'refuse' },
    },
    options: {
      stages: 2,
      by: 'rows',
      ties: 'split',
      holdout: 0.1,
      nearDuplicates: 0.8,
      unscored: 'refuse',
      seed: 0,
    },
    lengths: { counted: 'estimate' },
    cuts: [{ score: 1.5, tiedBelow: 0, tiedAbove: 1 }],
    duplicates: {
      shingleWords: 3,
      bands: 21,
      bandRows: 6,
      exact: 0,
      near: 0,
      clusters: 0,
      largest: 1,
      uncompared: 0,
    },
    length: { spearman: 0.1, etaSquared: 0.2 },
    stages: [1, 2].map((index) => ({
      index,
      ...entry(`stage-${index as 1 | 2}.jsonl`),
      heldOut: 1,
      tokens: 20,
      lengths: { median: 10, p90: 12 },
      scores,
    })),
    holdout: entry('holdout.jsonl'),
  };
  const beside = Object.fromEntries(Object.entries(files).map(([name, text]) => [name, utf8(text)]));
  return json('manifest.json', manifest, beside);
}

const RECIPE = `# yaml-language-server: $schema=recipe.schema.json
model: models/tiny
data: &set datasets/staged
out: "runs/\\u0061"
order: phased
seed: 7
epochs: 2
lora:
  rank: 8
  alpha: 16.5
  targets: [q_proj, 'v_proj']
optim: { learningRate: 2e-4, warmup: 0.03 }
`;

const YAML_WORDS = [
  '*set', '&set', '<<: *set', '!!binary', '!!set', '!!timestamp', '!!js/function', '%YAML 1.1\n---\n', '---', '...', '? ', ': ', '- ', '|', '>', '{', '}', '[', ']',
  '['.repeat(3000), '{a: '.repeat(2000), '\n  ', '\n', '#', '"', "'", '~', '.inf', '.nan', '0x7f', '1e999', '__proto__', 'constructor', '\t', 'a: &a [*a]',
  'a: &a [x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c,*c]\n',
  Array.from({ length: 3000 }, (_, i) => `k${i}: 1\n`).join(''), 'x'.repeat(100_000),
]; // biome-ignore format: a table

const RECIPE_JSON = jsonSchemaOf(recipeSchema);

async function useRecipe(path: string): Promise<void> {
  const layer = await recipeLayer(path);
  resolveLayers(recipeSchema, RECIPE_JSON, [layer]);
}

const RUN = {
  schema: 'phasetune/run', version: 2, status: 'done', started: '2026-01-01T00:00:00.000Z', finished: '2026-01-01T00:01:00.000Z',
  versions: { phasetune: '0.1.0' }, recipe: parse(RECIPE) as unknown, order: 'phased', seed: 7,
  inputs: { model: { path: 'm', files: { 'model.safetensors': 'ab' } }, data: { path: 'd', manifest: 'cd' } },
  stages: [
    { stage: 1, label: 'stage 1', rows: 4, replayed: 0, steps: 2, tokens: 80, trainedTokens: 20, paddedTokens: 96, plan: 'a', planned: { rows: 4, sha256: 'b' }, origin: { from: 'base' }, end: { path: 'stage-1', sha256: 'c' } },
  ],
  matrix: { bands: [{ stage: 1, rows: 2, tokens: 9 }], rows: [{ after: 0, losses: [1.5], all: 1.5 }] },
  adapter: { path: 'adapter', sha256: 'd' }, resumed: [{ time: '2026-01-01T00:00:30.000Z', from: { path: 'stage-1', sha256: 'c' }, changes: [] }],
}; // biome-ignore format: a table

/** Readers of text files. */
export const TEXT_PARSERS: readonly Parser[] = [
  {
    name: 'jsonl',
    seeds: () => ROW_SEEDS.filter(({ file }) => file.endsWith('.jsonl')),
    mutations: [lineMutation, SPACES],
    open: readLines,
  },
  { name: 'rows', seeds: () => ROW_SEEDS, mutations: [jsonMutation, lineMutation, SPACES], open: importAll },
  {
    name: 'chat-template',
    seeds: () => [
      {
        file: 'chat_template.jinja',
        bytes: utf8(TEMPLATE),
        beside: { 'tokenizer_config.json': SPECIAL, 'tokenizer.json': utf8(JSON.stringify(TOKENIZER)) },
      },
    ],
    mutations: [wordMutation(TEMPLATE_WORDS)],
    open: useTokenizer,
  },
  {
    name: 'tokenizer',
    seeds: () => [TOKENIZER, PIECES].map((value) => json('tokenizer.json', value, BESIDE_TOKENIZER)),
    mutations: [
      jsonMutation,
      wordMutation(['(a+)+$', '(?:a|a)*b', '((a{1,99}){1,99}){1,99}', '\\\\s', '(?!', '[[', '&&']),
    ],
    open: useTokenizer,
  },
  { name: 'config', seeds: () => [json('config.json', CONFIG)], mutations: [jsonMutation], open: useConfig },
  {
    name: 'adapter-config',
    seeds: () => [json('adapter_config.json', ADAPTER, { 'adapter_model.safetensors': adapterWeights() })],
    mutations: [jsonMutation, wordMutation(['(a+)+$', '.*', '(.*)*x', 'q_proj', '['])],
    open: async (path) => void (await readAdapter(dirname(path), LINEARS)),
  },
  {
    name: 'staged',
    seeds: () => [stagedSeed()],
    mutations: [jsonMutation],
    open: async (path) => void (await readStaged(dirname(path))),
  },
  {
    name: 'recipe',
    seeds: () => [{ file: 'recipe.yaml', bytes: utf8(RECIPE) }, json('recipe.json', parse(RECIPE))],
    mutations: [wordMutation(YAML_WORDS), jsonMutation],
    open: useRecipe,
  },
  {
    name: 'run-file',
    seeds: () => [json('run.json', RUN)],
    mutations: [jsonMutation],
    open: async (path) => void (await readRunFile(dirname(path))),
  },
];
