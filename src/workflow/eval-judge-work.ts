import { isAbsolute, join } from 'node:path';
import { env } from 'node:process';
import { stableJson } from '../core/hash.js';
import type { AnswerLine } from '../endpoint/scheduler/ask-types.js';
import { type EvalFile, evalPaths, readEvalFile, writeEvalFile } from '../eval/eval-file.js';
import { type EntrancePlan, type EntranceResult, planEntrance } from '../eval/judge/entrance.js';
import type { JudgeKind, MissingReason, PairJudge } from '../eval/judge/pair-judge.js';
import type { EvalRow } from '../eval/sets/eval-row.js';
import type { Pair } from '../eval/verdicts/pair-types.js';
import { pairAnswers, settledUnasked } from '../eval/verdicts/pairs.js';
import { readAnswers } from '../eval/verdicts/read-answers.js';
import { repeatability } from '../eval/verdicts/repeatability.js';
import type { Verdict } from '../eval/verdicts/verdict.js';
import { replaceVerdicts } from '../eval/verdicts/verdict-file.js';
import { silentLogger } from '../telemetry/logger.js';
import { entranceRowsOf } from './entrance-rows.js';
import type { ResolvedJudgeAnswersOptions } from './eval-judge-options.js';
import type { JudgedPairCounts, JudgedPairs } from './eval-judge-types.js';
import type { AskHooks } from './hooks.js';

/** What judging an evaluation works with. */
export interface JudgeWork {
  readonly options: ResolvedJudgeAnswersOptions;
  readonly hooks: AskHooks;
  readonly file: Pick<EvalFile, 'seed' | 'begunIn' | 'baseline' | 'arms'>;
  readonly pairs: readonly Pair[];
  /** Rows with the sets' own answers, which judges are tested on; none without `entrance`. */
  readonly rows: readonly EvalRow[];
}

/** Reads an evaluation and pairs its answers. */
export async function openJudgeWork(options: ResolvedJudgeAnswersOptions, hooks: AskHooks): Promise<JudgeWork> {
  const { logger = silentLogger } = hooks;
  const file = await readEvalFile(options.folder);
  const { pairs, unpaired } = pairAnswers(await readAnswers(options.folder, file), file.baseline, options.pairs);
  for (const run of unpaired)
    logger.warn(`${run} has no counterpart among the runs of the other arm and is not judged`);
  const rows = options.entrance
    ? (await entranceRowsOf(file, logger)).filter(({ reference }) => reference !== undefined)
    : [];
  return { options, hooks, file, pairs, rows };
}

/** The judge that options name: an LLM where they or the environment give an endpoint. */
export const judgeKindOf = ({
  options: { judge, baseUrl },
  hooks: { environment = env },
}: {
  readonly options: Pick<ResolvedJudgeAnswersOptions, 'judge' | 'baseUrl'>;
  readonly hooks: Pick<AskHooks, 'environment'>;
}): JudgeKind => judge ?? ((baseUrl ?? environment.OPENAI_BASE_URL?.trim()) ? 'llm' : 'letters');

/** A judge that runs beside others, for free. */
type Control = Exclude<JudgeKind, 'llm' | 'letters'>;

/** The judges that run beside the named one: those that were asked for, likelihood only where there is a model. */
export function controlsOf(work: JudgeWork): Control[] {
  const kind = judgeKindOf(work);
  return work.options.controls.filter(
    (control) => control !== kind && (control === 'length' || judgeModelOf(work, control) !== undefined),
  );
}

/** The model folder of a judge in this process: the one that is named, or the baseline's. */
export function judgeModelOf(work: JudgeWork, kind: JudgeKind): string | undefined {
  const named = judgeKindOf(work) === 'llm' && kind !== 'llm' ? undefined : work.options.model;
  return named ?? baseModelOf(work.file);
}

/** The model folder of the baseline; undefined where its answers came from a file. */
function baseModelOf({ arms, baseline, begunIn }: Pick<EvalFile, 'begunIn' | 'baseline' | 'arms'>): string | undefined {
  const path = arms[baseline]?.runs[0]?.model?.path;
  return path === undefined || isAbsolute(path) ? path : join(begunIn, path);
}

/**
 * The entrance test of a judge, of no questions where there is nothing to test it on, or for a control, whose verdicts
 * are no headline.
 */
export const entranceOf = (
  { rows, options: { entranceRows }, file: { seed } }: JudgeWork,
  judge: Pick<PairJudge, 'ordered' | 'kind'>,
  control = false,
): EntrancePlan => planEntrance(control ? [] : rows, { rows: entranceRows, seed }, judge);

/** How many pairs need no judge. */
export function countPairs(pairs: readonly Pair[]): JudgedPairCounts {
  const states = pairs.map(settledUnasked);
  const count = (state: ReturnType<typeof settledUnasked>) => states.filter((one) => one === state).length;
  return {
    pairs: pairs.length,
    equal: count('equal'),
    bothEmpty: count('both-empty'),
    noAnswer: count('no-answer'),
  };
}

/** What a ledger's lines cost by who asked. */
export function createTally() {
  const sums = new Map<string, { requests: number; dollars: number; tokens: number }>();
  return {
    watch({ by, reply, usage, cost }: AnswerLine, dollars: number): void {
      if (by === undefined || !(reply || usage || cost)) return;
      const sum = sums.get(by) ?? { requests: 0, dollars: 0, tokens: 0 };
      const used = reply?.usage ?? usage;
      sum.requests++;
      sum.dollars += dollars;
      sum.tokens += used ? used.promptTokens + used.replyTokens : 0;
      sums.set(by, sum);
    },
    of: (name: string) => {
      const sum = sums.get(name);
      // A sum of floats by its own error would change from run to run.
      return sum && { ...sum, dollars: Math.round(sum.dollars * 1e9) / 1e9 };
    },
  };
}

/** What is recorded of a judge besides its verdicts. */
export interface JudgeRecord {
  readonly judge: PairJudge;
  readonly control: boolean;
  readonly verdicts: readonly Verdict[];
  readonly about: Readonly<Record<string, unknown>>;
  readonly spent?: JudgedPairs['spent'];
  /** Undefined where it took no test. */
  readonly entrance?: EntranceResult | undefined;
}

/**
 * Writes a judge's verdicts, and the judge into `eval.json`: a control after the others, any other
 * judge first, whose win rates are then the headline. A judge that is the same as before keeps its
 * entrance test.
 */
export async function saveJudge({ options: { folder } }: JudgeWork, record: JudgeRecord): Promise<void> {
  const { judge, control, verdicts, about, spent } = record;
  await replaceVerdicts(evalPaths(folder).verdicts, judge.name, verdicts);
  const file = await readEvalFile(folder);
  const { [judge.name]: known, ...others } = file.judges;
  const same = known && stableJson(known.about) === stableJson(about);
  const entrance = record.entrance ?? (same ? known.entrance : undefined);
  const entry = {
    kind: judge.kind,
    about,
    // One that was asked for by itself stays what it was.
    control: control && (known?.control ?? true),
    ...(spent && { spent }),
    ...(entrance && { entrance: { ...entrance } }),
  };
  const judges = control ? { ...file.judges, [judge.name]: entry } : { [judge.name]: entry, ...others };
  await writeEvalFile(folder, { ...file, judges });
}

/** What a judge did, from its verdicts. */
export function summaryOf(
  { pairs }: JudgeWork,
  { judge, control, verdicts, spent, entrance }: JudgeRecord,
): JudgedPairs {
  const missingBy: Record<string, Partial<Record<MissingReason, number>>> = {};
  for (const { arm, reason } of verdicts) {
    if (reason === undefined) continue;
    missingBy[arm] ??= {};
    missingBy[arm][reason] = (missingBy[arm][reason] ?? 0) + 1;
  }
  const noise = repeatability(verdicts);
  return {
    judge: judge.name,
    kind: judge.kind,
    control,
    ...countPairs(pairs),
    judged: verdicts.filter(({ state }) => state === 'judged').length,
    missing: verdicts.filter(({ state }) => state === 'missing').length,
    missingBy,
    ...(noise && { repeatability: noise }),
    ...(spent && { spent }),
    ...(entrance && { entrance }),
  };
}
