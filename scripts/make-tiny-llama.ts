/**
 * Trains models/tiny-llama from nothing: a Llama of about a million parameters on instructions of
 * the demo's kinds, drawn with other seeds and never with a prompt of the demo set, answered in a
 * whole sentence. So it knows what is asked, but not the demo's terse form; the demo's stages teach
 * that.
 *
 *     npx tsx scripts/make-tiny-llama.ts [epochs]
 *
 * Wants the tokenizer in models/tiny-llama (scripts/reference/tiny_tokenizer.py) and the native library. About twenty
 * minutes on two cores. The same machine and seed give the same bytes.
 */
import { readFileSync } from 'node:fs';
import { loadBackend } from '../src/backend/load.js';
import { float32, type HostTensor, int32, sizeOf } from '../src/core/host-tensor.js';
import { random } from '../src/core/random.js';
import { planBatches } from '../src/data/batch-plan.js';
import { encodeRow } from '../src/data/encode.js';
import type { EncodedRow } from '../src/data/encoded.js';
import { batchOptionsSchema, encodeOptionsSchema } from '../src/data/options.js';
import { writeJson } from '../src/io/atomic.js';
import { writeSafetensors } from '../src/io/safetensors.js';
import { parseModelConfig } from '../src/model/config.js';
import { trainedLinear } from '../src/model/linear.js';
import { parameterShapes } from '../src/model/parameters.js';
import { parameterGroups } from '../src/optim/groups.js';
import { optimOptions } from '../src/optim/options.js';
import { learningRateAt } from '../src/optim/schedule.js';
import { readState, writeState } from '../src/optim/state.js';
import { compile } from '../src/program/compile.js';
import type { Program } from '../src/program/program.js';
import { loadTokenizer } from '../src/tokenizer/tokenizer.js';
import { lossFeeds } from '../src/train/loss-feeds.js';
import { trainSpec } from '../src/train/step.js';
import { DEMO_SEED, demoRecords } from './demo-data/records.js';

const FOLDER = 'models/tiny-llama';
const SEED = 7;
const SETS = 10;
const epochs = Number(process.argv[2] ?? 3);

const json = {
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  vocab_size: 2048,
  hidden_size: 128,
  intermediate_size: 384,
  num_hidden_layers: 4,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  max_position_embeddings: 512,
  rms_norm_eps: 1e-5,
  rope_parameters: { rope_type: 'default', rope_theta: 10000 },
  tie_word_embeddings: true,
  hidden_act: 'silu',
  dtype: 'bfloat16',
};

const FORMS = [
  (answer: string) => `I would say that the answer to this one is: ${answer}`,
  (answer: string) => `Let me see. It should be ${answer}, as far as I can tell.`,
  (answer: string) => `Sure! Here is what I found: ${answer}. I hope this helps.`,
];

const options = encodeOptionsSchema.parse({});
const tokenizer = await loadTokenizer(FOLDER);
const config = parseModelConfig({ ...json, vocab_size: Math.max(json.vocab_size, tokenizer.vocabSize) }, 'config.json');

async function pretrainingRows(): Promise<EncodedRow[]> {
  const rng = random(SEED, 'forms');
  const taken = new Set(demoRecords(DEMO_SEED).map((record) => record.messages[0]!.content));
  const rows: EncodedRow[] = [];
  for (let set = 1; set <= SETS; set++)
    for (const { id, messages } of demoRecords(DEMO_SEED + set)) {
      const [user, assistant] = messages as [(typeof messages)[number], (typeof messages)[number]];
      if (taken.has(user.content)) continue;
      taken.add(user.content);
      const content = FORMS[rng.integer(FORMS.length)]!(assistant.content);
      const encoded = await encodeRow(
        { id: `${set}-${id}`, messages: [user, { role: 'assistant', content }] },
        tokenizer,
        options,
      );
      if (encoded.kind === 'kept') rows.push(encoded.row);
    }
  return rows;
}

/** Norms at one; everything else normal with the usual standard deviation of 0.02, the embedding's somewhat wider. */
function initial(name: string, shape: readonly number[]): HostTensor {
  const { normal } = random(SEED, 'init', name);
  const width = name.includes('embed') ? 0.05 : 0.04;
  return float32(
    shape,
    Float32Array.from({ length: sizeOf(shape) }, () => (shape.length === 1 ? 1 : width * normal())),
  );
}

async function save(program: Program): Promise<void> {
  const shapes = parameterShapes(config);
  const values = await readState(program, groups, shapes.keys());
  const tensors = [...shapes].map(([name, shape]) => ({
    name,
    shape,
    dtype: 'BF16' as const,
    data: values.get(name)!.data as Float32Array,
  }));
  await writeSafetensors(`${FOLDER}/model.safetensors`, tensors);
  const eos = { eos_token_id: tokenizer.eos!.id, bos_token_id: tokenizer.bos!.id, pad_token_id: tokenizer.pad!.id };
  await writeJson(`${FOLDER}/config.json`, { ...json, vocab_size: config.vocab_size, ...eos });
  await writeJson(`${FOLDER}/generation_config.json`, eos);
}

await loadBackend({ device: 'cpu' });
const trainable = parameterShapes(config);
const optim = optimOptions.parse({ learningRate: 3e-3, weightDecay: 0.01, warmup: 0.03, betas: [0.9, 0.95] });
const groups = parameterGroups(trainable, optim.weightDecay);
const spec = trainSpec({ config, groups, optim, trainLinear: () => trainedLinear, evalLinear: trainedLinear });
const program = await compile(spec, { mode: 'eager', precision: 'float32' });
writeState(program, groups, ['value'], new Map([...trainable].map(([name, shape]) => [name, initial(name, shape)])));

const rows = await pretrainingRows();
const batching = batchOptionsSchema.parse({ batchRows: 64 });
const plan = planBatches([{ rows, seed: SEED, budget: { epochs } }], batching)[0]!;
console.log(
  `${rows.length} rows, ${plan.steps.length} steps, ${plan.tokens} tokens, ${readFileSync(`${FOLDER}/tokenizer.json`).length} bytes of tokenizer`,
);
const started = Date.now();
let done = 0;
for (const [i, planned] of plan.steps.entries()) {
  const feeds = {
    ...lossFeeds(planned.microBatches[0]!, 1 / planned.trainedTokens),
    seed: int32([], [i]),
    learningRate: float32([], [learningRateAt(optim, i + 1, plan.steps.length)]),
    step: float32([], [i + 1]),
    lossLimit: float32([], [Number.POSITIVE_INFINITY]),
  };
  const { loss } = await program.run('trainStep', feeds, ['loss']);
  done += planned.tokens;
  if (i % 50 === 0 || i === plan.steps.length - 1)
    console.log(
      `step ${i + 1}/${plan.steps.length} loss ${loss!.data[0]!.toFixed(4)} ${Math.round(done / ((Date.now() - started) / 1000))} tokens/s`,
    );
  if (i % 500 === 499) await save(program);
}
await save(program);
