import { join } from 'node:path';
import { parseOptions } from '../config/given-options.js';
import { PhasetuneError } from '../core/errors.js';
import { diagnosisBlocks } from '../eval/diagnosis/blocks.js';
import { diagnoseEvaluation } from '../eval/diagnosis/diagnose-evaluation.js';
import { type EvalFile, evalPaths } from '../eval/eval-file.js';
import { writeAlpacaEval } from '../eval/foreign/write-alpaca-eval.js';
import { peopleFigures, peopleScores } from '../eval/people/people.js';
import { readSheets } from '../eval/people/read-sheets.js';
import { peopleBlocks } from '../eval/people/report.js';
import { calibratedEvaluation, calibrationWarnings } from '../eval/result/calibrated.js';
import { computeResult } from '../eval/result/compute.js';
import { drawResult } from '../eval/result/draw-result.js';
import { type Evaluation, readEvaluation } from '../eval/result/evaluation.js';
import { evaluationReport } from '../eval/result/report.js';
import type { EvaluationResult } from '../eval/result/result.js';
import { writeFileAtomic, writeJson } from '../io/atomic.js';
import { svgFile } from '../plots/svg.js';
import { type Block, markdown } from '../telemetry/document.js';
import { type ReportEvaluationOptions, reportEvaluationOptionsSchema } from './eval-report-options.js';
import type { Hooks } from './hooks.js';

/** What {@link reportEvaluation} returns. */
export interface ReportedEvaluation {
  readonly result: EvaluationResult;
  /** The page for people. */
  readonly report: string;
  /** Everything that was written, `result.json` last. */
  readonly written: readonly string[];
  /** Why there is no headline although the files are written: an error of code `endpoint`. */
  readonly problem?: PhasetuneError;
}

/** Folder of the pictures, beside the report. */
const PICTURES = 'pictures';

/**
 * Computes the result of an evaluation from its files and writes `result.json`, a report with
 * pictures, and AlpacaEval's files. It loads no model. The same files and options give the same
 * bytes. A result with a `problem` has its files written, but too many verdicts are missing for an
 * answer.
 *
 * Throws a data error for a folder that is no evaluation, a broken line, and arms that answered
 * other rows; a usage error for a single arm.
 *
 * @example
 * const { result, problem } = await reportEvaluation({ folder: 'evals/first' });
 * for (const { sentence } of Object.values(result.arms)) console.log(sentence);
 * if (problem) console.error(problem.message);
 */
export async function reportEvaluation(
  given: ReportEvaluationOptions,
  { signal }: Pick<Hooks, 'signal'> = {},
): Promise<ReportedEvaluation> {
  const { folder, people: sheets, ...options } = parseOptions(reportEvaluationOptionsSchema, given);
  const read = await readEvaluation(folder);
  const ratings = sheets && (await readSheets(sheets));
  const { evaluation, calibration } = calibratedEvaluation(read, ratings && peopleScores(read, ratings));
  const people = ratings && peopleFigures(evaluation, ratings, options);
  const { result: computed, plots } = computeResult(evaluation, options);
  const diagnosis = await diagnoseEvaluation(folder, evaluation, countingJudge(computed), options);
  const result: EvaluationResult = {
    ...computed,
    ...(Object.keys(calibration).length > 0 && { calibration }),
    warnings: [...computed.warnings, ...calibrationWarnings(computed.judge?.name, calibration)],
    ...(Object.keys(diagnosis).length > 0 && { diagnosis }),
    ...(people && { people }),
  };
  if (signal?.aborted) throw new PhasetuneError('interrupted', 'stopped before the report was written');
  const paths = evalPaths(folder);
  const pictures = { lengths: {} as Record<string, string>, winRates: undefined, bands: undefined };
  const written: string[] = [];
  for (const { kind, arm, svg } of drawResult(result, plots)) {
    const name = `${PICTURES}/${arm === undefined ? FILES[kind] : `${FILES[kind]}-${arm}`}.svg`;
    await writeFileAtomic(join(folder, name), svgFile(svg));
    written.push(join(folder, name));
    if (arm !== undefined) pictures.lengths[arm] = name;
    else Object.assign(pictures, { [kind]: name });
  }
  written.push(...(await writeAlpacaEval(folder, evaluation, result)));
  await writeFileAtomic(paths.report, markdown(evaluationReport(result, evaluation, pictures, partsOf(result))));
  await writeJson(paths.result, result);
  const problem = problemOf(result, evaluation, folder);
  return {
    result,
    report: paths.report,
    written: [...written, paths.report, paths.result],
    ...(problem && { problem }),
  };
}

/** The judge, if its verdicts answer anything. */
const countingJudge = ({ judge, missing }: EvaluationResult): string | undefined =>
  judge && judge.problems.length === 0 && missing.problems.length === 0 ? judge.name : undefined;

const partsOf = ({ diagnosis, people, baseline }: EvaluationResult): Block[] => [
  ...(people ? peopleBlocks(people, baseline) : []),
  ...(diagnosis
    ? [
        { kind: 'heading', text: 'Diagnosis' } as const,
        ...Object.values(diagnosis).flatMap((one) => diagnosisBlocks(one)),
      ]
    : []),
];

const FILES = { winRates: 'win-rates', bands: 'win-rates-by-band', length: 'length' } as const;

/** Why there is no headline; undefined where there is one, and where nobody judged. */
function problemOf(
  { missing, judge }: EvaluationResult,
  { file }: Evaluation,
  folder: string,
): PhasetuneError | undefined {
  if (missing.problems.length === 0) return undefined;
  return new PhasetuneError('endpoint', `no verdict: ${missing.problems.join('; ')}`, {
    out: evalPaths(folder).report,
    remedies: [
      { task: 'eval judge', options: { folder, ...judgeOptions(judge, file) }, note: 'to ask for the missing ones' },
      { option: 'maxMissing', change: 'raise', note: 'to accept the bounds as they are' },
    ],
  });
}

/** How the judge is named again. */
function judgeOptions(judge: EvaluationResult['judge'], { judges }: EvalFile): Record<string, string> {
  const { kind, about = {} } = (judge && judges[judge.name]) ?? {};
  const named = (['baseUrl', 'model'] as const).flatMap((key) =>
    typeof about[key] === 'string' ? [[key, about[key]] as const] : [],
  );
  return { ...(kind !== undefined && { judge: kind }), ...Object.fromEntries(named) };
}
