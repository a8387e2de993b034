import { join } from 'node:path';
import { checkSchema } from '../io/json.js';
import { readJsonLines } from '../io/jsonl.js';
import type { EvalEvent, RunEvent, StepEvent } from '../train/events.js';
import type { RunFile } from '../train/run-file.js';
import type { LoggedEvent } from '../train/run-history.js';
import { type HandoverRecord, type HandoverRow, type HandoverStage, rowLineSchema } from './handover-record.js';
import type { MeasuredStages } from './measure-stages.js';
import { NOT_TRAINED } from './rows.js';
import type { ReportedStep, StageEvidence } from './stage-evidence.js';

/** What a step of a stage's file has. */
interface StepSize {
  tokens: number;
  trainedTokens: number;
  epoch: number;
}

/** A run that was trained elsewhere. */
export interface ImportedRun {
  readonly folder: string;
  readonly record: HandoverRecord;
  readonly evidence: readonly StageEvidence[];
  readonly run: RunFile;
  /** Absent where nothing was measured. */
  readonly losses?: MeasuredStages['losses'] | undefined;
}

/**
 * The events of a run that was trained elsewhere, as `train` would have written them: the engine's losses, learning
 * rates and gradient norms where it recorded them, the held-out losses as they were measured here. Times that are not
 * known are that of the import; what else is not known is not a number.
 */
export async function* importedEvents({
  folder,
  record,
  evidence,
  run,
  losses,
}: ImportedRun): AsyncGenerator<LoggedEvent> {
  const { order, seed } = run;
  const summaries = record.stages.map(summaryOf);
  const importTime = run.finished ?? run.started;
  const begun = evidence[0]?.report?.started ?? importTime;
  yield at(begun, { type: 'run', order, seed, stages: summaries, bands: run.matrix?.bands ?? [] });
  if (losses) yield at(begun, evalOf(losses[0]!, 0, 0));
  for (const [i, stage] of record.stages.entries()) {
    const { report, steps } = evidence[i]!;
    const result = run.stages[i]!;
    let time = Date.parse(report?.started ?? importTime);
    yield at(time, { type: 'stage', ...summaryOf(stage), stages: summaries.length, origin: result.origin! });
    const sizes = steps.length > 0 ? await stepSizes(folder, stage) : [];
    for (const step of steps) {
      time += 1000 * (step.seconds ?? 0);
      const size = sizes[step.step - 1];
      if (size) yield at(time, stepOf(stage, step, size));
    }
    const end = report?.finished ?? new Date(time).toISOString();
    yield at(end, { type: 'checkpoint', stage: stage.stage, step: stage.steps, kind: 'end', ...result.end! });
    if (losses) yield at(end, evalOf(losses[i + 1]!, stage.stage, stage.steps));
    const row = losses && { after: stage.stage, losses: losses[i + 1]!.losses, all: losses[i + 1]!.all };
    const speed = result.tokensPerSecond;
    yield at(end, {
      type: 'stage-end',
      stage: stage.stage,
      ...(row && { row }),
      consumed: result.consumed!,
      seconds: result.seconds ?? Number.NaN,
      ...(speed !== undefined && { tokensPerSecond: speed }),
    });
  }
  const { matrix, adapter, seconds = Number.NaN } = run;
  yield at(importTime, { type: 'run-end', adapter: adapter!, ...(matrix && { matrix }), seconds });
}

const at = (time: string | number, event: RunEvent): LoggedEvent => ({ time: new Date(time).toISOString(), ...event });

/** What a stage is, without how it was handed over. */
export const summaryOf = ({
  stage,
  label,
  rows,
  replayed,
  steps,
  tokens,
  trainedTokens,
  paddedTokens,
}: HandoverStage) => ({ stage, label, rows, replayed, steps, tokens, trainedTokens, paddedTokens });

const evalOf = (
  { losses, all, seconds }: MeasuredStages['losses'][number],
  stage: number,
  step: number,
): EvalEvent => ({
  ...{ type: 'eval', stage, step, losses, all },
  best: Number.isFinite(all),
  seconds,
});

function stepOf(stage: HandoverStage, step: ReportedStep, size: StepSize): StepEvent {
  const seconds = step.seconds ?? Number.NaN;
  return {
    type: 'step',
    stage: stage.stage,
    step: step.step,
    steps: stage.steps,
    epoch: size.epoch,
    loss: step.loss ?? Number.NaN,
    learningRate: step.learningRate ?? Number.NaN,
    gradNorm: step.gradNorm ?? Number.NaN,
    tokens: size.tokens,
    trainedTokens: size.trainedTokens,
    seconds,
    tokensPerSecond: size.tokens / seconds,
  };
}

/** Tokens of each step of a stage, lines that only fill left out, by the files that were handed over. */
async function stepSizes(folder: string, { file, list }: HandoverStage): Promise<StepSize[]> {
  const sizes: StepSize[] = [];
  const rows = readJsonLines(join(folder, file.path));
  for await (const { line, value } of readJsonLines(join(folder, list.path))) {
    const { id, step, epoch } = checkSchema(value, rowLineSchema, `${list.path}:${line}`);
    const row = (await rows.next()).value?.value as HandoverRow | undefined;
    sizes[step - 1] ??= { tokens: 0, trainedTokens: 0, epoch };
    if (id === null || !row) continue;
    const size = sizes[step - 1]!;
    size.tokens += row.input_ids.length;
    size.trainedTokens += row.labels.reduce((n, label) => n + (label === NOT_TRAINED ? 0 : 1), 0);
  }
  await rows.return(undefined);
  return sizes;
}
