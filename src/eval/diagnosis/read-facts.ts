import { join, resolve } from 'node:path';
import * as z from 'zod';
import { HOLDOUT, readManifest } from '../../curriculum/manifest.js';
import { bandOrder } from '../../curriculum/stage-plan.js';
import { exists } from '../../io/files.js';
import { readJsonLines } from '../../io/jsonl.js';
import { type RunFile, readRunFile } from '../../train/run-file.js';
import type { EvalFile } from '../eval-file.js';
import type { Evaluation } from '../result/evaluation.js';
import { indexVerdicts, lengthsOf, scoringOf } from '../result/scores.js';
import type { DiagnosisFacts, FactRow, StageFacts } from './facts.js';
import { checkRuns } from './run-checks.js';
import { armOfStage, meanOfRuns, stageLossReader } from './stage-losses.js';

/** The runs of an arm, read; undefined where it is no run, or its folder is gone. */
type ArmRuns = readonly RunFile[] | undefined;

/** What is known of every arm. */
interface Arms {
  readonly runs: ReadonlyMap<string, ArmRuns>;
  /** Why an arm's runs are not known. */
  readonly why: ReadonlyMap<string, string>;
}

/**
 * Collects what the diagnosis reads from an evaluation and the folders of the runs in it: files only. One entry for
 * each arm that may be a curriculum: neither a base nor a one-off run, and no stage of another run. What cannot be had
 * is missing with its reason, never an error; only a broken file of losses is one.
 *
 * @param judge whose verdicts count; without one there are no scores.
 * @example
 * const [facts] = await readFacts('evals/first', await readEvaluation('evals/first'), 'length');
 * console.log(facts?.stages.map(({ stage, bands }) => `stage ${stage}: ${bands.join(', ')}`));
 */
export async function readFacts(folder: string, evaluation: Evaluation, judge?: string): Promise<DiagnosisFacts[]> {
  const arms = await readArms(evaluation.file);
  const oneOff = [...arms.runs].find(([, runs]) => runs?.every(({ order }) => order === 'one-off'))?.[0] ?? null;
  const facts: DiagnosisFacts[] = [];
  for (const arm of Object.keys(evaluation.file.arms))
    if (isSubject(evaluation.file, arms, arm)) facts.push(await factsOf(folder, evaluation, judge, arms, arm, oneOff));
  return facts;
}

async function readArms({ arms, begunIn }: EvalFile): Promise<Arms> {
  const [found, why] = [new Map<string, ArmRuns>(), new Map<string, string>()];
  for (const [arm, { runs }] of Object.entries(arms)) {
    const read: RunFile[] = [];
    for (const { trained, source } of runs) {
      if (!trained) why.set(arm, `${arm} is not a run (${source}), so its stages are not known`);
      else {
        const path = resolve(begunIn, trained.run);
        const file = await readRunFile(exists(path) ? path : trained.run).catch((error: Error) => error);
        // As it is written in the evaluation: the same files give the same bytes in another folder.
        if (file instanceof Error)
          why.set(arm, `the run of ${arm} cannot be read: ${file.message.replaceAll(path, trained.run)}`);
        else read.push(file);
      }
    }
    found.set(arm, read.length === runs.length ? read : undefined);
  }
  return { runs: found, why };
}

/** An arm whose curriculum can be asked about. */
function isSubject({ arms }: EvalFile, { runs }: Arms, arm: string): boolean {
  const own = arms[arm]!.runs;
  if (own.every(({ trained, adapter, answers }) => trained?.stage === 0 || !(adapter ?? answers))) return false;
  const read = runs.get(arm);
  if (!read) return true;
  return read.every(({ order, stages }, i) => order !== 'one-off' && own[i]!.trained!.stage === stages.length);
}

async function factsOf(
  folder: string,
  evaluation: Evaluation,
  judge: string | undefined,
  { runs, why }: Arms,
  arm: string,
  oneOff: string | null,
): Promise<DiagnosisFacts> {
  const own = runs.get(arm);
  const between = scoreReader(evaluation, judge);
  const against = oneOff === null ? null : between(arm, oneOff);
  const stages = own ? await stagesOf(folder, evaluation, arm, own, between) : [];
  const staged = own ? await readStagedSet(own[0]!) : { cuts: [], deviation: null };
  const other = oneOff === null ? undefined : runs.get(oneOff);
  const noScores =
    judge === undefined
      ? 'no judge whose verdicts count judged it'
      : oneOff === null
        ? 'no arm is a one-off run, so there is nothing to compare with'
        : `${arm} and ${oneOff} were judged neither against each other nor against the same arm`;
  return {
    arm,
    oneOff,
    through: against?.through ?? null,
    rows: evaluation.rows.map(
      ({ set, band, score }): FactRow => ({
        set,
        band: band ?? bandOf(score, staged.cuts),
        score: score ?? null,
      }),
    ),
    stages,
    scores: against?.scores ?? null,
    cuts: staged.cuts,
    scoreDeviation: staged.deviation,
    checks: own && other ? own.flatMap((run, i) => (other[i] ? checkRuns(run, other[i]) : [])) : [],
    missing: {
      losses: stages.some(({ losses }) => losses) ? null : (why.get(arm) ?? 'no losses were measured after its stages'),
      scores: against ? null : noScores,
    },
  };
}

/** The band that a score falls into, from the cuts of the staged set. */
const bandOf = (score: number | undefined, cuts: readonly number[]): number | null =>
  score === undefined || cuts.length === 0 ? null : 1 + cuts.filter((cut) => score >= cut).length;

type Between = (arm: string, other: string) => { scores: Float64Array; through: string | null } | null;

/** Scores of an arm against another one, direct or through the baseline of both: ½ + half of their difference. */
function scoreReader(evaluation: Evaluation, judge: string | undefined): Between {
  const lookup = { evaluation, verdicts: indexVerdicts(evaluation.verdicts), lengths: lengthsOf(evaluation) };
  const judged = (arm: string, baseline: string): Float64Array | null => {
    if (judge === undefined || arm === baseline) return null;
    const { pairs } = scoringOf(lookup, judge, arm, baseline);
    return meanOfRuns(pairs.map((run) => Float64Array.from(run, ({ x }) => x)));
  };
  const direct = (arm: string, other: string) => judged(arm, other) ?? judged(other, arm)?.map((x) => 1 - x) ?? null;
  return (arm, other) => {
    const scores = direct(arm, other);
    if (scores) return { scores, through: null };
    const { baseline } = evaluation.file;
    const [one, two] = [direct(arm, baseline), direct(other, baseline)];
    return one && two ? { scores: one.map((x, i) => 0.5 + (x - two[i]!) / 2), through: baseline } : null;
  };
}

async function stagesOf(
  folder: string,
  evaluation: Evaluation,
  arm: string,
  [run]: readonly RunFile[],
  between: Between,
): Promise<StageFacts[]> {
  const read = stageLossReader(folder, evaluation);
  const stages: StageFacts[] = [];
  const count = run!.stages.length;
  for (let stage = 0; stage <= count; stage++) {
    const [before, now] = [stage - 1, stage].map((one) => armOfStage(evaluation.file, arm, one));
    const scores = stage > 1 && before !== undefined && now !== undefined ? between(now, before) : null;
    stages.push({
      stage,
      bands: stage === 0 ? [] : bandsOf(run!, stage),
      losses: await read(arm, stage),
      scores: scores?.scores ?? null,
    });
  }
  return stages;
}

/** Bands that a stage of a run trains. */
function bandsOf({ order, seed, stages, recipe }: RunFile, stage: number): number[] {
  const all = stages.map((_, i) => i + 1);
  const mixed = typeof recipe.smoothness === 'number' && recipe.smoothness > 0;
  if (order === 'random' || order === 'one-off' || mixed) return all;
  return [bandOrder({ order, seed }, stages.length)[stage - 1]!];
}

const repeatedRow = z.looseObject({ meta: z.looseObject({ score: z.looseObject({ deviation: z.number() }) }) });

/** The cuts of the set that a run was trained on, and how far repeated scores of its held-out rows are apart. */
async function readStagedSet({ begunIn, inputs }: RunFile): Promise<{ cuts: number[]; deviation: number | null }> {
  const there = resolve(begunIn ?? '.', inputs.data.path);
  const path = exists(there) ? there : inputs.data.path;
  const manifest = await readManifest(path).catch(() => undefined);
  if (!manifest) return { cuts: [], deviation: null };
  const squares: number[] = [];
  const holdout = join(path, HOLDOUT);
  if (exists(holdout))
    for await (const { value } of readJsonLines(holdout)) {
      const row = repeatedRow.safeParse(value);
      if (row.success) squares.push(row.data.meta.score.deviation ** 2);
    }
  const cuts = manifest.cuts.flatMap(({ score }) => (score === null ? [] : [score]));
  const deviation = Math.sqrt(squares.reduce((sum, square) => sum + square, 0) / squares.length);
  return { cuts, deviation: squares.length > 0 ? deviation : null };
}
