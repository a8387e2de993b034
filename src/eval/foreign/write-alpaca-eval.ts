import { writeJson } from '../../io/atomic.js';
import { writeCsv } from '../../io/csv.js';
import { evalPaths } from '../eval-file.js';
import type { Evaluation } from '../result/evaluation.js';
import { headlineJudge } from '../result/judge-figures.js';
import type { EvaluationResult } from '../result/result.js';
import { codePoints, indexVerdicts, lengthsOf, type ScoredPair, scoringOf } from '../result/scores.js';
import type { Verdict } from '../verdicts/verdict.js';
import { annotationOf, type JudgedPair } from './annotations.js';
import { leaderboardOf } from './leaderboard.js';
import { modelOutputsOf } from './model-outputs.js';

/** What a leaderboard calls a run of an arm. */
const generatorOf = (arm: string, run: number, runs: number): string => (runs === 1 ? arm : `${arm} (run ${run})`);

/**
 * Writes an evaluation in AlpacaEval's form: the answers of every run, the judge's verdicts, and a leaderboard. Returns
 * what was written; without a judge only answers are.
 */
export async function writeAlpacaEval(
  folder: string,
  evaluation: Evaluation,
  { arms: results }: EvaluationResult,
): Promise<string[]> {
  const { file, rows, arms } = evaluation;
  const paths = evalPaths(folder);
  const written: string[] = [];
  for (const [arm, runs] of arms)
    for (const [k, answers] of runs.entries()) {
      const sets = file.sets.map(({ name }) => {
        const own = answers.filter((_, row) => rows[row]!.set === name).filter((one) => one !== undefined);
        return [name, own] as const;
      });
      const path = paths.modelOutputs(arm, k + 1);
      await writeJson(path, modelOutputsOf(sets, generatorOf(arm, k + 1, runs.length)));
      written.push(path);
    }
  const judge = headlineJudge(file);
  if (judge === undefined) return written;
  const pairs = judgedPairs(evaluation, judge);
  await writeJson(
    paths.annotations,
    pairs.map((pair) => annotationOf(pair)),
  );
  const standings = [...new Set(pairs.map(({ generators }) => generators[1]))].map((generator) => {
    const own = pairs.filter(({ generators }) => generators[1] === generator);
    const { arm } = own[0]!.verdict;
    const lengths = own.map(({ outputs }) => codePoints(outputs[1]));
    return {
      generator,
      scores: own.map(({ verdict }) => verdict.x),
      averageLength: lengths.reduce((sum, length) => sum + length, 0) / lengths.length,
      // It is over all runs of an arm, and this line is one of them.
      lengthControlled: arms.get(arm)!.length === 1 ? results[arm]!.lengthControlled : null,
    };
  });
  const { columns, rows: lines } = leaderboardOf(standings);
  await writeCsv(paths.leaderboard, columns, lines);
  return [...written, paths.annotations, paths.leaderboard];
}

/** All pairs with the baseline that both answered; one that nobody asked about is missing. */
function judgedPairs(evaluation: Evaluation, judge: string): JudgedPair[] {
  const { file, arms } = evaluation;
  const lookup = { evaluation, lengths: lengthsOf(evaluation), verdicts: indexVerdicts(evaluation.verdicts) };
  const [name, base] = [file.baseline, arms.get(file.baseline)!];
  return Object.keys(file.arms)
    .filter((arm) => arm !== name)
    .flatMap((arm) =>
      scoringOf(lookup, judge, arm, name)
        .pairs.flat()
        .flatMap((pair): JudgedPair[] => {
          const { row, run, baselineRun } = pair;
          const runs = arms.get(arm)!;
          const [ours, theirs] = [base[baselineRun - 1]![row], runs[run - 1]![row]];
          if (!ours || !theirs) return [];
          return [
            {
              verdict: pair.verdict ?? notAsked(evaluation, judge, arm, pair),
              instruction: theirs.instruction,
              outputs: [ours.output, theirs.output],
              generators: [generatorOf(name, baselineRun, base.length), generatorOf(arm, run, runs.length)],
            },
          ];
        }),
    );
}

function notAsked({ file, rows }: Evaluation, judge: string, arm: string, pair: ScoredPair): Verdict {
  const { row, run, baselineRun, reason } = pair;
  const { set, id } = rows[row]!;
  const about = { judge, set, id, baseline: file.baseline, arm, run, baselineRun };
  return { ...about, state: 'missing', x: null, orders: [], reason };
}
