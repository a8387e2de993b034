import { join } from 'node:path';
import { loadBackend } from '../../backend/load.js';
import type { DeviceChoice } from '../../backend/options.js';
import { dataError } from '../../core/errors.js';
import { random } from '../../core/random.js';
import type { StagingPlan } from '../../curriculum/staging-options.js';
import { resolveStaging, stagingOptionsSchema } from '../../curriculum/staging-options.js';
import { stageInto } from '../../curriculum/write.js';
import { importFile } from '../../data/import.js';
import type { ImportOptions } from '../../data/options.js';
import type { InstructionRecord } from '../../data/record.js';
import { exists } from '../../io/files.js';
import { openModelFolder } from '../../model/load.js';
import { decideProgram } from '../../program/decide.js';
import { makeReport } from '../../report/make-report.js';
import { checkRunFolder } from '../../train/run-file.js';
import { train } from '../../workflow/train.js';
import type { TrainResult } from '../../workflow/train-events.js';
import type { TrainingInput } from '../../workflow/train-options.js';
import type { CommandContext } from '../command.js';
import { runDisplay } from '../run-display.js';
import { evaluateDemo } from './evaluate.js';
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

/** The whole way: model, data, stages, training, answers before and after; see the command. */
export async function runDemo(options: DemoOptions, context: CommandContext): Promise<Record<string, unknown>> {
  const { logger, verbose } = context;
  const out = options.out ?? freeFolder();
  const data = options.data ?? demoData();
  const { records } = await importFile(data, options, logger);
  const backend = await loadBackend({ device: options.device, logger, verbose });
  const model: DemoModel = options.model
    ? { name: options.model, folder: options.model, tiny: false }
    : await demoModel(backend, context);
  // Whatever is wrong with the inputs is reported before anything is written.
  await (await openModelFolder(model.folder)).close();
  await checkRunFolder(join(out, 'run'));
  const staged = join(out, 'data');
  const { format, scoreField, badRows } = options;
  const input = { path: data, import: { format, scoreField, badRows } };
  const { staging } = await stageInto(staged, sampleOf(records, options, model), stagingPlan(options), input);
  const compile = await decideProgram({}, backend, { logger });
  showIntro({ backend, compile, model, data, records: records.length, staging }, context);
  const { folder, adapter, run } = await trainShown(
    { ...demoRecipe(model, options), data: staged, out: join(out, 'run'), device: options.device },
    context,
  );
  const evaluation = join(out, 'eval');
  const evaluated = await evaluateDemo(
    { before: model.folder, after: folder, holdout: staged, out: evaluation, device: options.device },
    context,
  );
  const { out: report } = await makeReport({ folder }, context);
  const files = { adapter, run: folder, data: staged, evaluation, report };
  return showResult({ ...evaluated, run, files, model }, context);
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
      `the demo needs at least ${STAGES * (options.heldOut + 1)} rows to train and hold out, got ${sample.length}; lower \`heldOut\` or give more rows`,
      { rows: sample.length, option: 'heldOut' },
    );
  return sample;
}

const stagingPlan = ({ heldOut, seed }: DemoOptions): StagingPlan =>
  resolveStaging(stagingOptionsSchema.parse({ stages: STAGES, by: 'rows', holdout: heldOut, nearDuplicates: 0, seed }));

const demoRecipe = (model: DemoModel, { seed }: DemoOptions) => ({
  model: model.folder,
  seed,
  epochs: model.tiny ? 2 : 1,
  batchRows: model.tiny ? 16 : 8,
  evalRows: 12,
  maxLength: 512,
  optim: { learningRate: model.tiny ? 3e-3 : 1e-3 },
});

/** Trains, and shows what happens, the plan aside. */
async function trainShown(options: TrainingInput, context: CommandContext): Promise<TrainResult> {
  const { logger, signal, verbose } = context;
  const display = runDisplay(context);
  const training = train(options, { logger, signal, verbose });
  try {
    for await (const event of training.events) {
      if (event.type === 'plan') for (const warning of event.warnings) logger.warn(warning);
      else if (event.type !== 'encode') display.show(event);
    }
  } finally {
    display.close();
  }
  return training.result;
}

function freeFolder(): string {
  for (let n = 1; ; n++) {
    const folder = join('checkpoints', `demo-${n}`);
    if (!exists(folder)) return folder;
  }
}
