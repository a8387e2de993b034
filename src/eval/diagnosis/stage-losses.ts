import * as z from 'zod';
import { exists } from '../../io/files.js';
import { checkSchema } from '../../io/json.js';
import { readJsonLines } from '../../io/jsonl.js';
import { type EvalFile, evalPaths } from '../eval-file.js';
import type { ArmAnswers, Evaluation } from '../result/evaluation.js';

const lineSchema = z.looseObject({ id: z.string(), sum: z.number(), tokens: z.number().int().min(0) });

/** Loss of each row in nats per token; NaN for a row without one. */
type Losses = Float64Array;

const perToken = (loss: { readonly sum: number; readonly tokens: number } | undefined): number =>
  loss && loss.tokens > 0 ? loss.sum / loss.tokens : Number.NaN;

/** Mean of several runs' numbers for each row, of those that have one; null without any number. */
export function meanOfRuns(runs: readonly ArrayLike<number>[]): Float64Array | null {
  const rows = runs[0]?.length ?? 0;
  const means = new Float64Array(rows);
  for (let i = 0; i < rows; i++) {
    const known = runs.map((run) => run[i]!).filter((value) => !Number.isNaN(value));
    means[i] = known.reduce((sum, value) => sum + value, 0) / known.length;
  }
  return means.some((value) => !Number.isNaN(value)) ? means : null;
}

/** Losses that the answers of an arm carry, the mean over its runs; null without any. */
const answerLosses = (runs: ArmAnswers): Losses | null =>
  meanOfRuns(runs.map((answers) => Float64Array.from(answers, (answer) => perToken(answer?.loss))));

/** Reads the losses of an evaluation's rows after the stages of runs. */
export function stageLossReader(folder: string, { file, rows, arms }: Evaluation) {
  const paths = evalPaths(folder);
  const placeOf = new Map(rows.map(({ set, id }, i) => [JSON.stringify([set, id]), i]));

  async function measured(arm: string, run: number, stage: number): Promise<Losses> {
    const losses = new Float64Array(rows.length).fill(Number.NaN);
    for (const { name: set } of file.sets) {
      const path = paths.stageLosses(arm, run, stage, set);
      if (!exists(path)) continue;
      for await (const { line, value } of readJsonLines(path)) {
        const loss = checkSchema(value, lineSchema, path, line);
        const place = placeOf.get(JSON.stringify([set, loss.id]));
        if (place !== undefined) losses[place] = perToken(loss);
      }
    }
    return losses;
  }

  /**
   * Losses after a stage of an arm's runs, the mean over the runs; null where none was measured. What the file of the
   * stage does not have comes from the answers of an arm that is this stage of the same runs.
   */
  return async (arm: string, stage: number): Promise<Losses | null> => {
    const { runs } = file.arms[arm]!;
    const found: Losses[] = [];
    for (let run = 1; run <= runs.length; run++) found.push(await measured(arm, run, stage));
    const own = meanOfRuns(found);
    if (own) return own;
    const twin = armOfStage(file, arm, stage);
    return twin === undefined ? null : answerLosses(arms.get(twin)!);
  };
}

/** The arm whose runs are those of another arm, after one of its stages; 0 is the base. */
export function armOfStage({ arms }: EvalFile, arm: string, stage: number): string | undefined {
  const own = arms[arm]!.runs;
  return Object.keys(arms).find((name) => {
    const { runs } = arms[name]!;
    if (stage === 0 && runs.length === 1 && isBaseOf(runs[0]!, own[0]!)) return true;
    return (
      runs.length === own.length &&
      runs.every(({ trained }, i) => trained?.run === own[i]!.trained?.run && trained?.stage === stage)
    );
  });
}

type ArmRun = EvalFile['arms'][string]['runs'][number];

/** The same model without an adapter. */
const isBaseOf = (base: ArmRun, run: ArmRun): boolean =>
  base.model !== undefined &&
  base.adapter === undefined &&
  JSON.stringify(base.model.files) === JSON.stringify(run.model?.files);
