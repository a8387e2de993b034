import { type EvalFile, evalPaths, readEvalFile } from '../eval/eval-file.js';
import { readEvaluation } from '../eval/result/evaluation.js';
import { runRates } from '../eval/result/run-rates.js';
import { exists, remove } from '../io/files.js';
import { evaluate } from '../workflow/evaluate.js';
import type { EvaluateOptions } from '../workflow/evaluate-options.js';
import type { AskHooks } from '../workflow/hooks.js';
import type { StudyEvent } from './events.js';
import type { WinRateValues } from './results/values.js';
import type { CellState } from './state.js';
import { type Study, studyPaths } from './study-record.js';
import { type EvaluatedArm, evaluationsOf, type StudyEvaluation } from './win-rate-evaluations.js';
import { fromHere, type WinRateOptions, winRateOptions } from './win-rate-options.js';

/**
 * Lets the adapters of all done cells answer the metric's sets and has the answers judged, one evaluation for each
 * combination of the axes. The same call again continues: nothing is generated or asked twice. Does nothing in a study
 * that compares something else.
 *
 * Spending is confirmed as in an evaluation. Fails as `evaluate` does; what was answered is kept. A result without a
 * headline is a warning here: {@link winRateValues} has it as a problem.
 *
 * @param states of the cells, in their order.
 */
export async function* measureWinRates(
  study: Study,
  states: readonly CellState[],
  hooks: AskHooks = {},
): AsyncGenerator<StudyEvent, void> {
  const options = winRateOptions(study.record.study);
  if (!options) return;
  for (const evaluation of evaluationsOf(study, states)) {
    const { name } = evaluation;
    yield { type: 'evaluate', name };
    const task = evaluate(await evaluateOptionsOf(study, evaluation, options), hooks);
    for await (const event of task.events) yield { type: 'evaluation', name, event };
    const { problem } = await task.result;
    if (problem) yield { type: 'warning', message: `${name}: ${problem.message}` };
  }
}

async function evaluateOptionsOf(
  { folder, record }: Study,
  evaluation: StudyEvaluation,
  options: WinRateOptions,
): Promise<EvaluateOptions> {
  const out = studyPaths(folder).evaluation(evaluation.name);
  const before = await evaluationIn(out);
  // Its result is about other runs; without it nothing counts as measured until the new one is there.
  if (before && !isOf(before, evaluation)) await remove(evalPaths(out).result);
  const { control, arms } = evaluation;
  const source = ({ arm, cells }: EvaluatedArm) =>
    `${arm}=${cells.map(({ id }) => studyPaths(folder).run(id)).join(',')}`;
  return {
    ...fromHere(options, record.begunIn),
    arms: [control, ...arms].map(source),
    baseline: control.arm,
    out,
    level: 1 - record.analysis.alpha,
    force: before !== undefined && runsMoved(before, evaluation),
  };
}

/** The evaluation in a folder; undefined where there is none yet. */
const evaluationIn = async (folder: string): Promise<EvalFile | undefined> =>
  exists(evalPaths(folder).evalFile) ? readEvalFile(folder) : undefined;

/**
 * True where runs have other places than before, because cells between them are done now, or an arm was taken out.
 * Answers are known by what made them, so that none is made again; but an evaluation refuses that unless it is forced.
 */
function runsMoved({ arms: before }: EvalFile, { control, arms }: StudyEvaluation): boolean {
  const now = new Map([control, ...arms].map(({ arm, cells }) => [arm, cells.map(({ id }) => id)]));
  return Object.entries(before).some(([arm, { runs }]) =>
    runs.some(({ source }, i) => cellOf(source) !== now.get(arm)?.[i]),
  );
}

/** The cell whose run a source of an evaluation is. */
const cellOf = (source: string): string | undefined => /(?:^|[/\\])cells[/\\]([^/\\]+)[/\\]run$/.exec(source)?.[1];

/**
 * The win rates of done cells, from the files of the study's evaluations, and computed as their results are. A cell
 * whose pairs have no verdict has no value. Problems are what withholds a verdict in an evaluation: a judge that failed
 * its entrance test, too many missing verdicts; and cells that were not measured yet.
 *
 * @param states of the cells, in their order.
 */
export async function winRateValues(study: Study, states: readonly CellState[]): Promise<WinRateValues> {
  const options = winRateOptions(study.record.study);
  const values = new Map<string, number>();
  const problems: string[] = [];
  if (!options) return { values, problems };
  const { control } = study.record.study;
  for (const [i, { id, arm }] of study.cells.entries())
    if (arm === control && states[i]!.state === 'done') values.set(id, 50);
  const evaluations = evaluationsOf(study, states);
  for (const evaluation of evaluations) {
    const { name } = evaluation;
    const about = (problem: string) => (evaluations.length > 1 ? `${name}: ${problem}` : problem);
    const folder = studyPaths(study.folder).evaluation(name);
    const file = await evaluationIn(folder);
    if (!file || !isOf(file, evaluation) || !exists(evalPaths(folder).result)) {
      problems.push(about('win rates are not measured yet'));
      continue;
    }
    const { rates, problems: found } = runRates(await readEvaluation(folder), options.maxMissing);
    const byArm = new Map(evaluation.arms.map(({ arm, cells }) => [arm, cells]));
    for (const { arm, run, winRate } of rates) if (winRate !== null) values.set(byArm.get(arm)![run - 1]!.id, winRate);
    problems.push(...found.map(about));
  }
  return { values, problems };
}

/** True for an evaluation of exactly these cells. */
function isOf({ baseline, arms: known }: EvalFile, { control, arms }: StudyEvaluation): boolean {
  const all = [control, ...arms];
  return (
    baseline === control.arm &&
    Object.keys(known).length === all.length &&
    all.every(({ arm, cells }) => {
      const runs = known[arm]?.runs ?? [];
      return runs.length === cells.length && runs.every(({ source }, i) => cellOf(source) === cells[i]!.id);
    })
  );
}
