import { parseOptions } from '../config/given-options.js';
import { usageError } from '../core/errors.js';
import { readGivenHoldout } from '../curriculum/given-holdout.js';
import { estimatedLengths, tokenizerLengths } from '../curriculum/lengths.js';
import { checkFree, type StagingManifest } from '../curriculum/manifest.js';
import type { StagingProgress } from '../curriculum/read-table.js';
import { drawStages } from '../curriculum/stage-picture.js';
import type { Staging } from '../curriculum/staging.js';
import { resolveStaging } from '../curriculum/staging-options.js';
import { stageInto } from '../curriculum/write.js';
import { streamRows } from '../data/import.js';
import { statPath } from '../io/files.js';
import { refuseInputsIn } from '../io/same-file.js';
import { svgFile } from '../plots/svg.js';
import { loadTokenizer } from '../tokenizer/tokenizer.js';
import type { Hooks, TaskProgress } from './hooks.js';
import { type StageOptions, stageOptionsSchema } from './stage-options.js';

/** A staged folder. */
export interface StageResult {
  readonly out: string;
  /** What its manifest.json holds: stages, cuts, duplicates, lengths. */
  readonly manifest: StagingManifest;
  /** How the rows were cut, with the histogram of their scores. */
  readonly staging: Staging;
  /** What the user should know, a sentence each. */
  readonly warnings: readonly string[];
}

/**
 * Cuts scored rows into 2 to 6 stages of increasing difficulty, holds out a part of each, and
 * writes the folder that training reads: `stage-1.jsonl` and on, `holdout.jsonl`, `manifest.json`,
 * `histogram.svg`. It is written whole or not at all. Throws a usage error for options that
 * contradict each other and for a folder that holds something else, a data error for rows without a
 * score and for scores that cannot be cut in this way.
 *
 * @example
 * const { manifest } = await stage({ file: 'scored.jsonl', out: 'staged', stages: 3 });
 * for (const { index, rows, scores } of manifest.stages) console.log(index, rows, scores.min, scores.max);
 */
export async function stage(given: StageOptions, hooks: Hooks = {}): Promise<StageResult> {
  const { file, out, model, force, format, scoreField, badRows, holdoutFrom, ...options } = parseOptions(
    stageOptionsSchema,
    given,
  );
  if (holdoutFrom !== undefined && options.holdout !== undefined) throw refuseBoth();
  const plan = resolveStaging(options);
  await checkFree(out, force);
  await refuseInputsIn(
    out,
    [file, model, holdoutFrom].flatMap((path) => path ?? []),
  );
  const holdout = holdoutFrom === undefined ? {} : { holdout: await readGivenHoldout(holdoutFrom) };
  const measure = model === undefined ? estimatedLengths : await tokenizerLengths(await loadTokenizer(model));
  const reading = { format, badRows, ...(scoreField !== undefined && { scoreField }) };
  const { rows, found } = streamRows(file, reading, hooks.logger);
  const { bytes } = await statPath(file);
  const progress = reportStaging(hooks, () => ({ done: Math.min(found.bytes, bytes), total: bytes }));
  try {
    const { manifest, staging, warnings } = await stageInto(
      out,
      rows,
      plan,
      { path: file, import: reading },
      {
        replace: force,
        onProgress: progress.report,
        draw: (staging) => svgFile(drawStages(staging)),
        measure,
        ...holdout,
        ...(hooks.signal && { signal: hooks.signal }),
      },
    );
    return { out, manifest, staging, warnings };
  } finally {
    progress.end();
  }
}

const refuseBoth = () =>
  usageError('`holdout` and `holdoutFrom` are both given; expected one of them', {
    option: 'holdoutFrom',
    remedies: [{ option: 'holdout', change: 'omit' }],
  });

const UNITS = { reading: 'bytes', comparing: 'rounds', writing: 'rows' } as const;

/** Reports each part as a progress with its own label; `read` is how far reading is, too early for a packed file. */
function reportStaging({ onProgress }: Hooks, read: () => { done: number; total: number }) {
  let last: TaskProgress | undefined;
  const end = () => {
    if (last) onProgress?.({ ...last, ended: true });
    last = undefined;
  };
  const report = ({ doing, ...part }: StagingProgress) => {
    if (last?.label !== doing) end();
    const { done, total } = part.total === undefined ? read() : { done: part.done, total: part.total };
    last = { label: doing, done, total, unit: UNITS[doing], note: undefined, ended: false };
    onProgress?.(last);
  };
  return { report, end };
}
