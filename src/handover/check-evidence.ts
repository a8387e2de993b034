import { learningRateAt } from '../optim/schedule.js';
import { brief } from './check-adapter.js';
import type { HandoverRecord, HandoverStage } from './handover-record.js';
import { rowsFile } from './paths.js';
import type { ReportedStep, StageEvidence } from './stage-evidence.js';
import { type Finding, finding } from './traps.js';

/** Rates are doubles on both sides, worked out in another order. */
const SAME_RATE = 1e-9;

/** The share of our own loss of the same step by which an engine's may differ: far more than bfloat16 costs. */
const NEAR = 0.1;

/** The learning rate of each optimizer step of a stage, from the first. */
export function plannedRates({ schedule, steps }: Pick<HandoverStage, 'schedule' | 'steps'>): number[] {
  const { kind, learningRate, minLrRatio, warmupSteps, before } = schedule;
  const options = { learningRate, schedule: kind, minLrRatio, warmup: warmupSteps };
  return Array.from({ length: steps }, (_, i) => learningRateAt(options, before + i + 1, schedule.steps));
}

/** What of an engine's own report does not fit the plan. */
export function evidenceFindings(
  evidence: StageEvidence,
  stage: HandoverStage,
  ownLoss: number | undefined,
): Finding[] {
  return [
    ...stepFindings(evidence, stage),
    ...rateFindings(evidence, stage),
    ...lossFindings(evidence, ownLoss),
    ...reportFindings(evidence, stage),
    ...labelFindings(evidence, stage),
  ];
}

/** A line that only fills a step has one label, which nothing predicts. */
function labelFindings(
  { file, labels, made }: StageEvidence,
  { steps, trainedTokens, filled }: HandoverStage,
): Finding[] {
  if (labels === undefined || made !== steps || labels === trainedTokens + filled) return [];
  return [finding('other tokens', `${file}: ${labels - filled} tokens were trained, ${trainedTokens} were planned`)];
}

function stepFindings({ file, made }: StageEvidence, { steps }: HandoverStage): Finding[] {
  if (made === undefined || made === steps) return [];
  const problem = `${file}: ${made} optimizer steps were made, ${steps} were planned`;
  return [finding(made < steps ? 'too few steps' : 'too many steps', problem)];
}

function rateFindings({ file, steps }: StageEvidence, stage: HandoverStage): Finding[] {
  const planned = plannedRates(stage);
  const other = steps.filter(
    ({ step, learningRate }) =>
      learningRate !== undefined &&
      planned[step - 1] !== undefined &&
      !(Math.abs(learningRate - planned[step - 1]!) <= SAME_RATE),
  );
  if (other.length === 0) return [];
  const { step, learningRate } = other[0]!;
  return [
    finding(
      'other learning rates',
      `${file}: step ${step} had the learning rate ${learningRate}, planned was ${planned[step - 1]}; ${other.length} of ${steps.length} steps differ`,
    ),
  ];
}

function lossFindings({ file, steps }: StageEvidence, ownLoss: number | undefined): Finding[] {
  const broken = steps.find(({ loss }) => loss !== undefined && !Number.isFinite(loss));
  if (broken) return [finding('not finite', `${file}: the loss of step ${broken.step} is ${broken.loss}`)];
  const first = steps.find(({ step }: ReportedStep) => step === 1)?.loss;
  if (first === undefined || ownLoss === undefined || Math.abs(first - ownLoss) <= NEAR * ownLoss) return [];
  return [
    finding(
      'other loss',
      `${file}: the loss of step 1 is ${first.toFixed(4)}; here it was ${ownLoss.toFixed(4)} for the same rows`,
    ),
  ];
}

function reportFindings({ file, report }: StageEvidence, stage: HandoverStage): Finding[] {
  if (!report) return [];
  const found: Finding[] = [];
  if (report.trainable === 0) found.push(finding('frozen adapter', `${file}: no number of the adapter was trainable`));
  if (report.rows !== stage.file.sha256)
    found.push(
      finding(
        'other rows',
        `${file}: it was trained on a ${rowsFile(stage.stage)} with the SHA-256 ${brief(report.rows)}, handed over was ${brief(stage.file.sha256)}`,
      ),
    );
  const trained = report.steps.reduce((sum, { trainedTokens }) => sum + trainedTokens, 0);
  if (report.steps.length === stage.steps && trained !== stage.trainedTokens)
    found.push(finding('other tokens', `${file}: ${trained} tokens were trained, ${stage.trainedTokens} were planned`));
  return found;
}

/** What differs in how a stage was trained without being wrong. */
export function evidenceNotes({ report }: StageEvidence, { training }: HandoverRecord): string[] {
  if (!report) return [];
  const { processes, precision } = report;
  return [
    ...(processes === training.processes
      ? []
      : [`${processes} processes trained it, planned were ${training.processes}`]),
    ...(precision === training.precision ? [] : [`it was trained in ${precision}, planned was ${training.precision}`]),
  ];
}
