import type { Backend } from '../backend/backend.js';
import { CARD_SHAPES } from '../data/batch-shapes.js';
import { encodeRows } from '../data/encode-rows.js';
import { importFile } from '../data/import.js';
import { type BatchOptions, batchOptionsSchema, encodeOptionsSchema, importOptionsSchema } from '../data/options.js';
import type { InstructionRecord } from '../data/record.js';
import { loraOptions } from '../lora/options.js';
import { type OptimOptions, optimOptions } from '../optim/options.js';
import type { Logger } from '../telemetry/logger.js';
import { peakRssMib } from '../telemetry/memory.js';
import { loadTokenizer, type Tokenizer } from '../tokenizer/tokenizer.js';
import { entryBatches } from '../train/entry-shapes.js';
import type { StepEvent } from '../train/events.js';
import { trainOptions } from '../train/options.js';
import { planRun, type RunPlan } from '../train/run-plan.js';
import { trainStage } from '../train/trainer.js';
import type { Tuner } from '../train/tuner.js';
import type { TrainBenchOptions } from './options.js';
import { programFigures, programOf } from './program.js';
import { readyTuner } from './ready-tuner.js';
import { shapeConfig } from './shapes.js';
import { type BenchHooks, DROPPED, round, sinceStart, timed } from './timing.js';

/**
 * Times one epoch of training over real rows as the trainer does it: planned, packed, with AdamW, a
 * linear schedule and the loss on the answers. It uses random weights and the real tokenizer of a
 * model folder: speed is measured, not quality. The clock starts when weights and tokens are ready
 * and the program is about to be built, and stops after the last step.
 */
export async function benchTrain(backend: Backend, options: TrainBenchOptions, hooks: BenchHooks & { logger: Logger }) {
  const shapes = options.maxShapes ?? (backend.device === 'cuda' ? CARD_SHAPES : undefined);
  const {
    tokenizer,
    records,
    plan,
    config,
    figures: prepared,
  } = await prepare({ ...options, maxShapes: shapes }, hooks);
  const optim = optimOptions.parse({ learningRate: 1e-4, schedule: 'linear', warmup: 0 });
  const program = await programOf(options, backend);
  const { seed, gradientCheckpointing } = options;
  const { tuner, figures } = await readyTuner(backend, {
    config,
    seed,
    program,
    gradientCheckpointing,
    lora: loraOptions.parse({}),
    optim,
    batches: entryBatches(plan),
  });
  try {
    const { value: run, seconds: trainSeconds } = await timed(() => trainPlan(tuner, plan, optim, seed, hooks));
    const seconds = figures.build_seconds + trainSeconds;
    const counts = await countTokens(records, tokenizer);
    return {
      ...programFigures(program),
      rows: records.length,
      seconds: round(seconds, 6),
      ...counts,
      answer_tokens_per_s: round(counts.answer_tokens / seconds, 1),
      tokens_per_s: round(counts.tokens / seconds, 1),
      steady_tokens_per_s: steadySpeed(run.steps),
      loss: round(run.steps.at(-1)!.loss, 4),
      peak_rss_mib: peakRssMib(),
      tensors: backend.memory().tensors,
      ...prepared,
      ...figures,
      first_step_seconds: round(run.steps[0]!.seconds, 3),
      start_to_first_step_seconds: round(run.firstStepEnd, 3),
      step_seconds: run.steps.map((step) => round(step.seconds, 6)),
    };
  } finally {
    tuner.dispose();
  }
}

/** Rows, tokens and plan as the trainer makes them, and a model whose vocabulary has room for the tokens. */
async function prepare(options: TrainBenchOptions, { logger, signal }: BenchHooks & { logger: Logger }) {
  const tokenizer = plainTemplate(await loadTokenizer(options.tokenizer));
  const records = await readRows(options, logger);
  const encoding = encodeOptionsSchema.parse({ template: 'chat', maxLength: options.maxLength });
  const encoded = await timed(() => encodeRows(records, tokenizer, encoding, { signal }));
  const train = trainOptions.parse({ ...batchOptionsOf(options), order: 'one-off', epochs: 1, seed: options.seed });
  const set = { stages: [{ index: 1, rows: records }], holdout: [], hash: '' };
  const { value: plan, seconds } = await timed(() => planRun(set, encoded.value.rows, train));
  const { summary } = plan.stages[0]!;
  const figures = {
    steps: summary.steps,
    shapes: Object.values(entryBatches(plan)).flat().length,
    trained_tokens: summary.trainedTokens,
    padding: round(1 - summary.tokens / summary.paddedTokens, 4),
    encode_seconds: round(encoded.seconds, 3),
    plan_seconds: round(seconds, 6),
  };
  const { vocab_size } = shapeConfig(options);
  const config = shapeConfig({ ...options, vocab: Math.max(vocab_size, tokenizer.vocabSize) });
  return { tokenizer, records, plan, config, figures };
}

const batchOptionsOf = (options: TrainBenchOptions): BatchOptions =>
  batchOptionsSchema.parse(
    Object.fromEntries(Object.entries(options).filter(([name]) => name in batchOptionsSchema.shape)),
  );

/** The first rows of the file; if it has fewer, they repeat under other ids. */
async function readRows({ data, rows }: TrainBenchOptions, logger: Logger): Promise<InstructionRecord[]> {
  const { records } = await importFile(data, importOptionsSchema.parse({ badRows: 'skip' }), logger);
  if (rows > records.length) logger.info(`${data} has ${records.length} rows: some are used more than once`);
  return Array.from({ length: rows }, (_, i) => {
    const record = records[i % records.length]!;
    const pass = Math.floor(i / records.length);
    return pass === 0 ? record : { ...record, id: `${record.id} again ${pass}` };
  });
}

/** The text that the programs compared with train on, instead of the model's template. */
const plainTemplate = (tokenizer: Tokenizer): Tokenizer => ({
  ...tokenizer,
  renderChat(messages) {
    let text = '';
    const contents = messages.map(({ role, content }, message) => {
      const before = role === 'user' ? 'User: ' : '';
      const start = text.length + before.length;
      text += role === 'user' ? promptOf(content) : content + (tokenizer.eos?.text ?? '');
      return { message, start, end: start + content.length };
    });
    return { text, contents, generated: [] };
  },
});

const promptOf = (question: string): string => `User: ${question}\nAssistant: `;

/** Tokens of the uncut rows, each with an end token, as the programs compared with count them. */
async function countTokens(records: readonly InstructionRecord[], tokenizer: Tokenizer) {
  const answers = records.map(({ messages }) => messages.at(-1)!.content);
  const wholes = records.map(({ messages }, i) => promptOf(messages.at(-2)!.content) + answers[i]!);
  const count = async (texts: readonly string[]) =>
    (await tokenizer.encodeBatch(texts)).reduce((sum, { ids }) => sum + ids.length + 1, 0);
  return { answer_tokens: await count(answers), tokens: await count(wholes) };
}

async function trainPlan(
  tuner: Tuner,
  plan: RunPlan,
  optim: OptimOptions,
  seed: number,
  { onStep, signal }: BenchHooks,
): Promise<{ steps: StepEvent[]; firstStepEnd: number }> {
  const unsaved = { path: '', sha256: '' };
  const events = trainStage(tuner, {
    plan: plan.stages[0]!,
    optim,
    seed,
    stepsBefore: 0,
    evalEvery: 0,
    saveEvery: 0,
    logEvery: 1,
    onSpike: 'stop',
    holdout: undefined,
    signal,
    save: async () => unsaved,
    restore: async () => {},
  });
  const steps: StepEvent[] = [];
  let firstStepEnd = 0;
  for await (const event of events) {
    if (event.type !== 'step') continue;
    firstStepEnd ||= sinceStart();
    steps.push(event);
    onStep?.(event.step, `loss ${event.loss.toFixed(3)}, ${Math.round(event.tokensPerSecond)} tokens/s`, event.steps);
  }
  return { steps, firstStepEnd };
}

/** Tokens per second of the steps after the first two. */
function steadySpeed(steps: readonly StepEvent[]): number | null {
  const kept = steps.slice(DROPPED);
  if (kept.length === 0) return null;
  const sum = (amountOf: (step: StepEvent) => number) => kept.reduce((n, step) => n + amountOf(step), 0);
  return round(sum(({ tokens }) => tokens) / sum(({ seconds }) => seconds), 1);
}
