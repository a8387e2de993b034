import { resolve } from 'node:path';
import { parseOptions } from '../config/given-options.js';
import { dataError, usageError } from '../core/errors.js';
import { version } from '../core/version.js';
import { evalPaths, writeEvalFile } from '../eval/eval-file.js';
import { type Annotation, annotationIn, isAnnotation } from '../eval/foreign/annotations.js';
import type { ForeignFile } from '../eval/foreign/foreign-rows.js';
import { importForeign } from '../eval/foreign/import-evaluation.js';
import { isModelOutput, type ModelOutput, modelOutputIn, objectsOf } from '../eval/foreign/model-outputs.js';
import { writeFolderAtomic } from '../io/atomic.js';
import { exists, hashFile, listFolder } from '../io/files.js';
import { writeJsonLines } from '../io/jsonl.js';
import { refuseInputsIn } from '../io/same-file.js';
import { type ImportEvaluationOptions, importEvaluationOptionsSchema } from './eval-import-options.js';

/** What {@link importEvaluation} wrote. */
export interface ImportedEvaluationResult {
  readonly out: string;
  readonly baseline: string;
  readonly arms: readonly string[];
  readonly judges: readonly string[];
  readonly rows: number;
  readonly answers: number;
  readonly verdicts: number;
  /** Verdicts that are missing. */
  readonly missing: number;
}

/**
 * Makes an evaluation of AlpacaEval's files: verdicts (`annotations.json`) to report, or answers
 * (`model_outputs.json`) to judge. Fields that phasetune does not know are kept, and
 * `reportEvaluation` writes them back. Throws a data error that names the row for what is not as it
 * must be, a usage error for a folder that is not empty.
 *
 * @example
 * const { out } = await importEvaluation({ files: ['evals/first/annotations.json'], out: 'evals/theirs' });
 * const { result } = await reportEvaluation({ folder: out });
 */
export async function importEvaluation(given: ImportEvaluationOptions): Promise<ImportedEvaluationResult> {
  const { files, out, baseline, force } = parseOptions(importEvaluationOptionsSchema, given);
  await refuseInputsIn(out, files);
  if (!force && exists(out) && (await listFolder(out)).length > 0)
    throw usageError(`\`out\`: ${out} is not empty`, {
      option: 'out',
      file: out,
      remedies: [{ advice: 'choose another folder' }, { option: 'force', change: 'set', note: 'to replace it' }],
    });
  const read: ForeignFile[] = [];
  for (const path of files) read.push(await readForeign(path));
  const { file, answered, verdicts } = importForeign(read, baseline);
  const fill = async (folder: string) => {
    const paths = evalPaths(folder);
    for (const { arm, run, set, answers } of answered) await writeJsonLines(paths.answers(arm, run, set), answers);
    if (verdicts.length > 0) await writeJsonLines(paths.verdicts, verdicts);
    await writeEvalFile(folder, { ...file, versions: { phasetune: version() }, begunIn: resolve('.') });
  };
  await writeFolderAtomic(out, fill, { replace: force });
  return {
    out,
    baseline: file.baseline,
    arms: Object.keys(file.arms).filter((arm) => arm !== file.baseline),
    judges: Object.keys(file.judges),
    rows: file.sets.reduce((sum, { chosen }) => sum + chosen, 0),
    answers: answered.reduce((sum, { answers }) => sum + answers.length, 0),
    verdicts: verdicts.length,
    missing: verdicts.filter(({ x }) => x === null).length,
  };
}

/** Reads a file of verdicts or of answers, by its first row. */
async function readForeign(path: string): Promise<ForeignFile> {
  const annotations: Annotation[] = [];
  const outputs: ModelOutput[] = [];
  for await (const { place, row } of objectsOf(path)) {
    if (isAnnotation(row)) annotations.push(annotationIn(row, place));
    else if (isModelOutput(row)) outputs.push(modelOutputIn(row, place));
    else
      throw dataError(
        `${place}: expected a verdict {instruction, output_1, output_2, preference} or an answer {instruction, output}, found the fields ${Object.keys(row).slice(0, 8).join(', ')}`,
        { file: path },
      );
  }
  if (annotations.length + outputs.length === 0)
    throw dataError(`${path}: no rows; expected verdicts or answers`, { file: path });
  return { path, sha256: await hashFile(path), annotations, outputs };
}
