import * as z from 'zod';
import { stagingOptionsSchema } from '../../curriculum/staging-options.js';
import type { StagingProgress } from '../../curriculum/write.js';
import { importOptionsSchema } from '../../data/options.js';
import { formatBytes } from '../../telemetry/format.js';
import type { ProgressBar } from '../../telemetry/progress.js';
import { type CommandContext, defineCommand } from '../command.js';
import { barsOf, drawStages, factsOf, tableOf } from '../stage-view.js';

const schema = z.strictObject({
  file: z.string().min(1).describe('scored rows: a record file, or any format that `data import` reads'),
  out: z
    .string()
    .min(1)
    .describe('folder to write stage-1.jsonl and on, holdout.jsonl, manifest.json and histogram.svg to'),
  ...stagingOptionsSchema.shape,
  model: z
    .string()
    .min(1)
    .optional()
    .describe('model folder whose tokenizer counts the tokens [estimated from characters]'),
  ...importOptionsSchema.shape,
  force: z.boolean().default(false).describe('replace a staged set that is in --out already'),
});

/** `phasetune stage`: cuts scored rows into stages of rising difficulty and holds out a part of each. */
export const stage = defineCommand({
  command: 'stage <file>',
  describe: 'cut scored rows into 2 to 6 stages of rising difficulty, with held-out rows of each',
  schema,
  examples: [
    ['phasetune stage scored.jsonl --out datasets/staged/mine --stages 3', 'three stages of equal rows'],
    [
      'phasetune stage scored.jsonl --out datasets/staged/paper --by thresholds --thresholds 3.5,4.5',
      'cut at given scores',
    ],
    [
      'phasetune stage scored.jsonl --out datasets/staged/even --by tokens --model models/smollm2',
      'stages of equal tokens',
    ],
    ['phasetune stage scored.jsonl --out datasets/staged/fair --by length', 'stages that differ least in length'],
  ],
  run: async ({ file, out, model, force, ...options }, context) => {
    const { logger, print, color, signal } = context;
    const { resolveStaging } = await import('../../curriculum/staging-options.js');
    const { checkFree } = await import('../../curriculum/manifest.js');
    const { stageInto } = await import('../../curriculum/write.js');
    const { importRows } = await import('../../data/import.js');
    const { statPath } = await import('../../io/files.js');
    const { format, scoreField, badRows, ...staging } = options;
    const plan = resolveStaging(staging);
    const { refuseInputsIn } = await import('../../io/same-file.js');
    await checkFree(out, force);
    await refuseInputsIn(out, [file, ...(model === undefined ? [] : [model])]);
    const measure = model === undefined ? undefined : await measureWith(model);
    const reading = { format, badRows, ...(scoreField !== undefined && { scoreField }) };
    const { rows, found } = importRows(file, reading, logger);
    const { bytes } = await statPath(file);
    const showing = showStaging(context, () => ({ done: Math.min(found.bytes, bytes), total: bytes }));
    const { drawHistogram } = await import('../../report/histogram.js');
    const settings = {
      replace: force,
      signal,
      onProgress: showing.onProgress,
      draw: drawStages(drawHistogram),
      ...(measure && { measure }),
    };
    const staged = await stageInto(out, rows, plan, { path: file, import: reading }, settings).finally(showing.finish);
    const { manifest, warnings } = staged;
    for (const line of [...tableOf(manifest), '', ...barsOf(staged.staging, color), '', ...factsOf(manifest)])
      print(line);
    print(`written to ${out}`);
    for (const warning of warnings) logger.warn(warning);
    const { stages, cuts, duplicates, length } = manifest;
    const shown = stages.map(({ file: _, sha256: __, ...rest }) => rest);
    const tokensCounted = manifest.lengths.counted;
    return { out, by: plan.by, tokensCounted, stages: shown, cuts, duplicates, length, warnings };
  },
});

async function measureWith(folder: string) {
  const { loadTokenizer } = await import('../../tokenizer/tokenizer.js');
  const { tokenizerLengths } = await import('../../curriculum/lengths.js');
  return tokenizerLengths(await loadTokenizer(folder));
}

/** A bar for each thing that is done; `read` tells how far reading is, of a packed file by and by too early. */
function showStaging({ progress }: CommandContext, read: () => { done: number; total: number }) {
  let bar: ProgressBar | undefined;
  let doing: string | undefined;
  const finish = () => bar?.finish();
  const onProgress = (told: StagingProgress) => {
    const { done, total } = told.total === undefined ? read() : { done: told.done, total: told.total };
    if (doing !== told.doing) {
      finish();
      doing = told.doing;
      const unit = { reading: formatBytes, comparing: 'rounds', writing: 'rows' }[told.doing];
      bar = progress({ label: told.doing, total, unit });
    }
    bar!.update(done);
  };
  return { onProgress, finish };
}
