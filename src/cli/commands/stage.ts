import * as z from 'zod';
import { stagingOptionsSchema } from '../../curriculum/options.js';
import type { StagedRows, Staging } from '../../curriculum/types.js';
import { importOptionsSchema } from '../../data/options.js';
import { defineCommand } from '../command.js';

const schema = z.strictObject({
  file: z.string().min(1).describe('scored rows: a record file, or any format that `data import` reads'),
  out: z.string().min(1).describe('folder to write stage-1.jsonl and on, holdout.jsonl and manifest.json to'),
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
  ],
  run: async ({ file, out, model, force, ...options }, { logger, print }) => {
    const { resolveStaging } = await import('../../curriculum/options.js');
    const { stageRows } = await import('../../curriculum/stage.js');
    const { checkFree, writeStaged } = await import('../../curriculum/manifest.js');
    const { importFile } = await import('../../data/import.js');
    const { format, scoreField, badRows, ...staging } = options;
    const plan = resolveStaging(staging);
    await checkFree(out, force);
    const measure = model === undefined ? undefined : await measureWith(model);
    const { records } = await importFile(file, { format, scoreField, badRows }, logger);
    const result = stageRows(records, plan, measure);
    await writeStaged(out, result, { path: file, rows: records.length }, { replace: force });
    for (const line of table(result)) print(line);
    print(`written to ${out}`);
    for (const warning of result.warnings) logger.warn(warning);
    const stages = result.stages.map(({ index, rows, heldOut, tokens, scores }) => ({
      index,
      rows: rows.length,
      heldOut: heldOut.length,
      tokens,
      scores,
    }));
    return { out, by: plan.by, tokensCounted: result.counted, stages, cuts: result.cuts, warnings: result.warnings };
  },
});

async function measureWith(folder: string) {
  const { loadTokenizer } = await import('../../tokenizer/tokenizer.js');
  const { tokenLengths } = await import('../../curriculum/lengths.js');
  const tokenizer = await loadTokenizer(folder);
  return (rows: Parameters<typeof tokenLengths>[0]) => tokenLengths(rows, tokenizer);
}

const HEADS = ['stage', 'score', 'mean', 'rows', 'tokens', 'held out'];

/** The stages as a table of aligned columns. */
function table({ stages, counted }: Staging): string[] {
  const about = counted === 'estimate' ? '~' : '';
  const rows = [HEADS, ...stages.map((s) => cells(s, about)), ['total', '', '', ...totals(stages, about)]];
  const widths = HEADS.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row.map((cell, column) => (column < 2 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!))).join('  '),
  );
}

const number = (n: number) => n.toLocaleString('en-US');

const cells = ({ index, rows, heldOut, tokens, scores: { min, max, mean } }: StagedRows, about: string): string[] => [
  String(index),
  min === max ? `${min}` : `${min} to ${max}`,
  mean.toFixed(2),
  number(rows.length),
  about + number(tokens),
  number(heldOut.length),
];

function totals(stages: readonly StagedRows[], about: string): string[] {
  const sum = (of: (stage: StagedRows) => number) => number(stages.reduce((total, s) => total + of(s), 0));
  return [sum((s) => s.rows.length), about + sum((s) => s.tokens), sum((s) => s.heldOut.length)];
}
