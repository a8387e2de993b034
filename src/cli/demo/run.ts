import { join } from 'node:path';
import type { Backend } from '../../backend/backend.js';
import { loadBackend } from '../../backend/load.js';
import type { DeviceChoice } from '../../backend/options.js';
import { recipeSchema } from '../../config/recipe.js';
import { dataError } from '../../core/errors.js';
import { random } from '../../core/random.js';
import { readStaged } from '../../curriculum/manifest.js';
import type { StagingPlan } from '../../curriculum/staging-options.js';
import { resolveStaging, stagingOptionsSchema } from '../../curriculum/staging-options.js';
import { stageInto } from '../../curriculum/write.js';
import { importFile } from '../../data/import.js';
import type { ImportOptions } from '../../data/options.js';
import type { InstructionRecord } from '../../data/record.js';
import { type AnsweredRow, type ExactMatchPlan, exactMatch, planExactMatch } from '../../eval/exact-match.js';
import { generateSpec } from '../../generate/cache.js';
import { generateOptions } from '../../generate/options.js';
import { exists } from '../../io/files.js';
import { loraLinear } from '../../lora/apply.js';
import { openModel } from '../../model/load.js';
import { compileOptions } from '../../program/options.js';
import type { Program } from '../../program/program.js';
import type { Tokenizer } from '../../tokenizer/tokenizer.js';
import { entryBatches, inputShapes } from '../../train/entry-shapes.js';
import { loraTuner } from '../../train/lora-tuner.js';
import { type PreparedRun, prepareRun } from '../../train/prepare.js';
import { checkRunFolder, claimRunFolder, type RunFile } from '../../train/run-file.js';
import { runStages } from '../../train/staged-run.js';
import { planWarnings } from '../../train/warnings.js';
import type { CommandContext } from '../command.js';
import { showRun } from '../run-display.js';
import { runJob } from '../run-job.js';
import { type DemoModel, demoData, demoModel } from './model.js';
import { showIntro, showResult } from './show.js';

/** Options of the demo; see the command's flags. */
export interface DemoOptions extends ImportOptions {
  readonly model?: string | undefined;
  readonly data?: string | undefined;
  readonly rows?: number | undefined;
  readonly heldOut: number;
  readonly out?: string | undefined;
  readonly seed: number;
  readonly device: DeviceChoice;
}

const STAGES = 3;
/** Rows a stage that train in about a minute on two cores: a tiny model takes more of them. */
const ROWS = { real: 128, tiny: 512 };
/** Tokens of an answer at most; the demo's own answers are shorter. */
const MAX_TOKENS = 32;

/** The whole way: model, data, stages, answers before, training, answers after; see the command. */
export async function runDemo(options: DemoOptions, context: CommandContext): Promise<Record<string, unknown>> {
  const { logger, verbose } = context;
  const out = options.out ?? freeFolder();
  const data = options.data ?? demoData();
  const { records } = await importFile(data, options, logger);
  const backend = await loadBackend({ device: options.device, logger, verbose });
  const model: DemoModel = options.model
    ? { name: options.model, folder: options.model, tiny: false }
    : await demoModel(backend, context);
  // Whatever is wrong with the inputs is told before anything is written.
  await (await openModel(model.folder)).close();
  await checkRunFolder(join(out, 'run'));
  const staged = join(out, 'data');
  const { format, scoreField, badRows } = options;
  const input = { path: data, import: { format, scoreField, badRows } };
  const { staging } = await stageInto(staged, sampleOf(records, options, model), stagingPlan(options), input);
  const { holdout } = await readStaged(staged);
  const compile = compileOptions({}, backend);
  showIntro({ backend, compile, model, data, records: records.length, staging }, context);
  const recipe = { ...demoRecipe(model, staged, join(out, 'run'), options.seed), ...compile };
  const prepared = await prepareRun(recipe, { signal: context.signal });
  for (const warning of [...prepared.warnings, ...planWarnings(prepared.plan, recipe)]) logger.warn(warning);
  try {
    const { before, after, run } = await trainAndAsk(recipe, prepared, holdout, backend, context);
    const files = { adapter: join(out, 'run', 'adapter'), run: join(out, 'run'), data: staged };
    return showResult({ before, after, run, files, model }, context);
  } finally {
    await prepared.model.close();
  }
}

/** As many rows as the demo takes, drawn at random. */
function sampleOf(
  records: readonly InstructionRecord[],
  options: DemoOptions,
  model: DemoModel,
): readonly InstructionRecord[] {
  const rows = options.rows ?? (model.tiny ? ROWS.tiny : ROWS.real);
  const wanted = STAGES * (rows + options.heldOut);
  const sample = random(options.seed, 'demo').shuffle(records).slice(0, wanted);
  if (sample.length < STAGES * (options.heldOut + 1))
    throw dataError(
      `the demo needs at least ${STAGES * (options.heldOut + 1)} rows to train and hold out, got ${sample.length}; lower --held-out or give more rows`,
      { rows: sample.length },
    );
  return sample;
}

const stagingPlan = ({ heldOut, seed }: DemoOptions): StagingPlan =>
  resolveStaging(stagingOptionsSchema.parse({ stages: STAGES, by: 'rows', holdout: heldOut, nearDuplicates: 0, seed }));

const demoRecipe = (model: DemoModel, data: string, out: string, seed: number) =>
  recipeSchema.parse({
    model: model.folder,
    data,
    out,
    seed,
    epochs: model.tiny ? 2 : 1,
    batchRows: model.tiny ? 16 : 8,
    evalRows: 12,
    maxLength: 512,
    optim: { learningRate: model.tiny ? 3e-3 : 1e-3 },
  });

async function trainAndAsk(
  recipe: ReturnType<typeof demoRecipe> & ReturnType<typeof compileOptions>,
  prepared: PreparedRun,
  heldOut: readonly InstructionRecord[],
  backend: Backend,
  context: CommandContext,
): Promise<{ before: AnsweredRow[]; after: AnsweredRow[]; run: RunFile }> {
  const { model, tokenizer } = prepared;
  const { lora, optim, template } = recipe;
  const decoding = generateOptions.parse({ maxTokens: MAX_TOKENS });
  const questions = await planExactMatch(heldOut, tokenizer, template, { batch: 12, options: decoding });
  const extra = generateSpec(model.config, loraLinear(lora), questions.decoding);
  const { mode, precision, xla } = recipe;
  const compile = { mode, precision, xla, shapes: inputShapes(entryBatches(prepared.plan)) };
  const { tuner, program } = await loraTuner({ backend, model, lora, optim, compile, extra });
  const { lock, release } = await claimRunFolder(recipe.out);
  try {
    await tuner.loadBase([]);
    tuner.reset('adapter', recipe.seed);
    const before = await ask('answers before', program, questions, tokenizer, context);
    const job = await runJob(recipe, prepared, backend, lock, { signal: context.signal });
    const run = await lastOf(showRun(runStages(tuner, job), context));
    const after = await ask('answers after', program, questions, tokenizer, context);
    return { before, after, run };
  } finally {
    await release();
    tuner.dispose();
  }
}

async function ask(
  label: string,
  program: Program,
  questions: ExactMatchPlan,
  tokenizer: Tokenizer,
  { progress, signal }: CommandContext,
): Promise<AnsweredRow[]> {
  const bar = progress({ label, total: questions.records.length, unit: 'questions' });
  const answers: AnsweredRow[] = [];
  let done = 0;
  try {
    for await (const answer of exactMatch(program, questions, tokenizer, signal)) {
      answers[answer.index] = answer;
      // Answers come a batch at a time: only whole ones tell how long the rest takes.
      if (++done % questions.decoding.shape.rows === 0 || done === questions.records.length) bar.update(done);
    }
  } finally {
    bar.finish();
  }
  return answers;
}

async function lastOf<T>(events: AsyncGenerator<unknown, T>): Promise<T> {
  for (;;) {
    const next = await events.next();
    if (next.done) return next.value;
  }
}

function freeFolder(): string {
  for (let n = 1; ; n++) {
    const folder = join('checkpoints', `demo-${n}`);
    if (!exists(folder)) return folder;
  }
}
