import { float32, type HostTensor, int32, sizeOf } from '../../../src/core/host-tensor.js';
import { random } from '../../../src/core/random.js';
import type { EncodedRow } from '../../../src/data/encoded.js';
import { generateSpec } from '../../../src/generate/cache.js';
import { choiceInputs } from '../../../src/generate/choose.js';
import { choiceOf, type GenerateOptions, generateOptions } from '../../../src/generate/options.js';
import { adapterSpecs, adapterStacks } from '../../../src/lora/adapter.js';
import { loraLinear } from '../../../src/lora/apply.js';
import { type LoraOptions, loraOptions } from '../../../src/lora/options.js';
import { type ModelConfig, parseModelConfig } from '../../../src/model/config.js';
import { modelVariables } from '../../../src/model/load.js';
import { logitsSpec } from '../../../src/model/logits.js';
import { linearGroups, linearShapes, parameterShapes } from '../../../src/model/parameters.js';
import { type ParameterGroup, parameterGroups, vectorName, withPieces } from '../../../src/optim/groups.js';
import { fromVector } from '../../../src/optim/layout.js';
import { optimOptions } from '../../../src/optim/options.js';
import type { Attention } from '../../../src/program/compile-options.js';
import { joinSpecs, type ProgramSpec, type VariableValue } from '../../../src/program/program.js';
import { lossFeeds } from '../../../src/train/loss-feeds.js';
import { trainSpec } from '../../../src/train/step.js';

/** One call of an entry. */
export interface Call {
  readonly entry: string;
  readonly feeds: Readonly<Record<string, HostTensor>>;
  readonly fetches: readonly string[];
  /** True where a step is not applied: variables stay as they are, and the sum of gradients begins anew. */
  readonly held?: boolean;
}

/** A program, what its variables begin with, and calls one after the other that take every entry in. */
export interface Case {
  readonly name: string;
  readonly spec: ProgramSpec;
  readonly values: readonly VariableValue[];
  readonly calls: readonly Call[];
  /** A variable's value matrix by matrix: each has a scale of its own. */
  parts(variable: string, value: HostTensor): Iterable<readonly [name: string, part: HostTensor]>;
}

interface Setting {
  readonly name: string;
  readonly config: Readonly<Record<string, unknown>>;
  /** What of it is otherwise than a file may say. */
  readonly more?: Partial<ModelConfig>;
  readonly lora: Partial<LoraOptions>;
  /** Parameters of the model itself that are trained beside the adapter. */
  readonly trained?: RegExp;
  readonly weightDecay: number;
  readonly gradientCheckpointing?: boolean;
  readonly drawing: Partial<GenerateOptions>;
}

const SHAPE = { rows: 3, slots: 32, chunk: 12 };

const COMMON = {
  vocab_size: 160,
  hidden_size: 48,
  intermediate_size: 80,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  rms_norm_eps: 1e-5,
  max_position_embeddings: 64,
};

const SETTINGS: readonly Setting[] = [
  {
    name: 'grouped queries, a head of its own, an adapter on every projection, weight decay; the likeliest token',
    config: { ...COMMON, model_type: 'llama', num_key_value_heads: 2, tie_word_embeddings: false },
    lora: { rank: 4, alpha: 4 },
    weightDecay: 0.1,
    drawing: {},
  },
  {
    name: 'a window, biases, dropout, layers run twice, an adapter on some projections, norms trained without decay; a share of all',
    config: {
      ...COMMON,
      // More than the likeliest that are looked at first.
      vocab_size: 1100,
      model_type: 'mistral',
      num_key_value_heads: 1,
      sliding_window: 9,
      tie_word_embeddings: false,
    },
    // No file has a window and biases; the decoder does both.
    more: { attention_bias: true, mlp_bias: true },
    lora: { rank: 3, alpha: 2, dropout: 0.25, targets: ['q_proj', 'v_proj', 'down_proj'], rsLora: true },
    trained: /norm\.weight$/,
    weightDecay: 0.1,
    gradientCheckpointing: true,
    drawing: { temperature: 4, topP: 0.99 },
  },
  {
    name: 'as many key/value heads as queries, a tied head that is trained, no decay; of the likeliest tokens',
    config: {
      ...COMMON,
      model_type: 'llama',
      num_key_value_heads: 4,
      tie_word_embeddings: true,
      rope_parameters: {
        rope_type: 'llama3',
        rope_theta: 100,
        factor: 8,
        low_freq_factor: 1,
        high_freq_factor: 4,
        original_max_position_embeddings: 16,
      },
    },
    lora: { rank: 2, alpha: 2, targets: ['o_proj', 'gate_proj', 'up_proj'] },
    trained: /embed_tokens\.weight$/,
    weightDecay: 0,
    drawing: { temperature: 1.2, topK: 9, topP: 0.9 },
  },
];

/** All cases; only what they are computed with depends on `attention`. */
export const cases = (attention?: Attention): Case[] => SETTINGS.map((setting) => caseOf(setting, attention));

function caseOf(setting: Setting, attention: Attention | undefined): Case {
  const { name, config: fields, more, lora: adapter, trained, weightDecay, gradientCheckpointing, drawing } = setting;
  const config = { ...parseModelConfig(fields, 'config.json'), ...more };
  const lora = loraOptions.parse(adapter);
  const options = generateOptions.parse({ maxTokens: 8, ...drawing });
  const optim = optimOptions.parse({ weightDecay, maxGradNorm: 0.5, betas: [0.9, 0.95] });
  const own = [...parameterShapes(config)].filter(([parameter]) => trained?.test(parameter));
  const matrices = adapterSpecs(linearShapes(config), lora);
  const stacks = lora.dropout > 0 ? new Map() : adapterStacks(matrices, linearGroups(config));
  const groups = parameterGroups(new Map([...matrices, ...own]), weightDecay, stacks);
  const frozen = Object.entries(modelVariables(config).variables).filter(([parameter]) => !trained?.test(parameter));
  const trainLinear = loraLinear(lora);
  const texts = prompts(config.vocab_size);
  const spec = joinSpecs(
    { variables: Object.fromEntries(frozen), entries: {} },
    trainSpec({
      config,
      groups,
      optim,
      trainLinear: (seed) => loraLinear(lora, seed),
      evalLinear: trainLinear,
      gradientCheckpointing,
      attention,
    }),
    withPieces(
      groups,
      joinSpecs(
        logitsSpec(config, trainLinear, attention),
        generateSpec(config, trainLinear, { prompts: texts, options, shape: SHAPE }),
      ),
    ),
  );
  return {
    name,
    spec,
    values: startingValues(spec, groups),
    calls: [...trainingCalls(config.vocab_size), ...decodingCalls(texts, options, config.vocab_size)],
    *parts(variable, value) {
      const group = groups.find((each) => variable.startsWith(`${each.name}.`));
      if (!group) yield [variable, value];
      else
        for (const parameter of group.tensors.places.keys())
          yield [`${variable} ${parameter}`, fromVector(group.tensors, value, parameter)];
    },
  };
}

/** Normal numbers of their own for each name. */
function normals(name: string, shape: readonly number[], spread: number, mean = 0): HostTensor<'float32'> {
  const { normal } = random(11, name);
  return float32(
    shape,
    Float32Array.from({ length: sizeOf(shape) }, () => mean + spread * normal()),
  );
}

/** Weights under which every part of the decoder matters: no branch is small beside the stream it is added to. */
function weight(name: string, shape: readonly number[]): HostTensor<'float32'> {
  if (name.endsWith('norm.weight')) return normals(name, shape, 0.25, 1);
  if (name.endsWith('.bias')) return normals(name, shape, 0.25);
  if (name.endsWith('embed_tokens.weight') || name === 'lm_head.weight') return normals(name, shape, 0.3);
  return normals(name, shape, 1 / Math.sqrt(shape[1]!));
}

/** Second moments are not zero: otherwise a step is the gradient's sign, which rounding may turn. */
function startingValues(spec: ProgramSpec, groups: readonly ParameterGroup[]): VariableValue[] {
  const values = Object.entries(spec.variables)
    .filter(([, { role }]) => role === 'frozen')
    .map(([name, { shape }]): VariableValue => [name, weight(name, shape)]);
  for (const group of groups) {
    const { size, places } = group.tensors;
    const value = new Float32Array(size);
    for (const [name, { offset, shape }] of places) value.set(weight(name, shape).data, offset);
    const squares = normals(group.name, [size], 0.002, 0.01).data.map((x) => x * x);
    values.push([vectorName(group, 'value'), float32([size], value)]);
    values.push([vectorName(group, 'exp_avg_sq'), float32([size], squares)]);
  }
  return values;
}

/** A row of random tokens of which the last `trained` are. */
function row(id: string, length: number, trained: number, vocabulary: number): EncodedRow {
  const { integer } = random(5, id);
  const mask = Uint8Array.from({ length }, (_, t) => (t >= length - trained ? 1 : 0));
  return { id, ids: Int32Array.from({ length }, () => integer(vocabulary)), mask, trained };
}

function trainingCalls(vocabulary: number): Call[] {
  const rowOf = (id: string, length: number, trained: number) => row(id, length, trained, vocabulary);
  // Several rows in a line, and places that nothing lies in: at the end of lines, of targets, and a line.
  const packed = {
    lines: [[rowOf('a', 20, 12), rowOf('b', 7, 6), rowOf('c', 12, 3)], [rowOf('d', 38, 20)], [rowOf('e', 9, 4)]],
    shape: { lines: 4, length: 40, targets: 56 },
  };
  const padded = { ...packed, lines: [[rowOf('f', 24, 9)], [rowOf('g', 14, 13)]] };
  const scalar = (x: number) => float32([], [x]);
  const hyper = (step: number, lossLimit = Number.POSITIVE_INFINITY) => ({
    learningRate: scalar(0.05),
    step: scalar(step),
    lossLimit: scalar(lossLimit),
  });
  const seed = (n: number) => ({ seed: int32([], [n]) });
  return [
    {
      entry: 'trainStep',
      feeds: { ...lossFeeds(packed, 1 / 45), ...seed(7), ...hyper(1) },
      fetches: ['loss', 'gradNorm'],
    },
    { entry: 'accumulate', feeds: { ...lossFeeds(padded, 1 / 67), ...seed(8) }, fetches: ['loss'] },
    { entry: 'accumulate', feeds: { ...lossFeeds(packed, 1 / 67), ...seed(9) }, fetches: ['loss'] },
    { entry: 'applyAccumulated', feeds: { loss: scalar(5), ...hyper(2) }, fetches: ['gradNorm'] },
    { entry: 'evalLoss', feeds: lossFeeds(packed, 1), fetches: ['losses'] },
    { entry: 'trainStep', feeds: { ...lossFeeds(packed, 1 / 45), ...seed(10), ...hyper(3) }, fetches: [] },
    {
      entry: 'trainStep',
      feeds: { ...lossFeeds(packed, 1 / 45), ...seed(11), ...hyper(4, 0.01) },
      fetches: ['loss', 'gradNorm'],
      held: true,
    },
    { entry: 'accumulate', feeds: { ...lossFeeds(packed, 1 / 45), ...seed(12) }, fetches: ['loss'] },
    {
      entry: 'applyAccumulated',
      feeds: { loss: scalar(Number.NaN), ...hyper(4) },
      fetches: ['gradNorm'],
      held: true,
    },
    { entry: 'logits', feeds: { ids: int32([3, 12], row('l', 36, 1, vocabulary).ids) }, fetches: ['logits'] },
  ];
}

/** Prompts of which one is shorter than a chunk, one fills it, and one goes on in the next. */
const prompts = (vocabulary: number): Int32Array[] =>
  [5, 12, 21].map((length, i) => row(`prompt ${i}`, length, 1, vocabulary).ids);

function decodingCalls(texts: readonly Int32Array[], options: GenerateOptions, vocabulary: number): Call[] {
  const { rows, chunk } = SHAPE;
  const choice = choiceOf(options);
  const draws = (call: string): Record<string, HostTensor> => {
    const { uniform } = random(options.seed, call);
    const all: Record<string, HostTensor> = {
      temperature: float32([], [options.temperature]),
      topP: float32([], [options.topP]),
      uniforms: float32([rows], Float32Array.from({ length: rows }, uniform)),
    };
    return Object.fromEntries(Object.keys(choiceInputs(choice, rows)).map((name) => [name, all[name]!]));
  };
  const fetches = choice === 'topP' ? ['token', 'covered'] : ['token'];
  const chunkOf = (start: number) => {
    const ids = new Int32Array(rows * chunk);
    const last = texts.map(({ length }, i) => i * chunk + Math.min(Math.max(length - start, 1), chunk) - 1);
    for (const [i, text] of texts.entries()) ids.set(text.subarray(start, start + chunk), i * chunk);
    const lengths = texts.map(({ length }) => length);
    return { ids: int32([rows, chunk], ids), last: int32([rows], last), lengths: int32([rows], lengths) };
  };
  const said = texts.map((_, i) => row(`said ${i}`, 2, 1, vocabulary).ids);
  const decode = (n: number): Call => ({
    entry: 'decode',
    feeds: {
      ids: int32(
        [rows],
        said.map((ids) => ids[n]!),
      ),
      positions: int32(
        [rows],
        texts.map(({ length }) => length + n),
      ),
      ...draws(`decode ${n}`),
    },
    fetches,
  });
  return [
    { entry: 'prefill', feeds: { ...chunkOf(0), ...draws('prefill') }, fetches },
    {
      entry: 'prefillNext',
      feeds: { ...chunkOf(chunk), start: int32([], [chunk]), ...draws('prefillNext') },
      fetches,
    },
    decode(0),
    decode(1),
    ...(choice === 'topP' ? [{ entry: 'chooseAll', feeds: draws('chooseAll'), fetches: ['token'] }] : []),
  ];
}
