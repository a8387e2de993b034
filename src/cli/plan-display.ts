import type { BatchShape } from '../data/batch-shapes.js';
import { describeReport } from '../data/encode-rows.js';
import { describePrecision } from '../program/products/describe.js';
import { formatBytes, formatCount } from '../telemetry/format.js';
import type { EntryBatches } from '../train/entry-shapes.js';
import type { StageSummary } from '../train/events.js';
import { describeChoice } from '../train/fit-memory.js';
import type { TrainingPlan } from '../workflow/train-events.js';
import type { CommandContext } from './command.js';

/** Shows a plan: what encoding did, the stages as a table, the shapes of batches, memory and warnings. */
export function showPlan(plan: TrainingPlan, { logger, print }: Pick<CommandContext, 'logger' | 'print'>): void {
  for (const line of describeReport(plan.report, plan.recipe)) logger.info(line);
  for (const line of [
    ...planTable(plan.stages),
    ...shapeLines(plan.shapes),
    ...divisionLines(plan),
    ...memoryLines(plan),
    ...precisionLines(plan),
  ])
    print(line);
  for (const warning of plan.warnings) logger.warn(warning);
}

/** How steps are divided among several devices. */
function divisionLines({ division }: TrainingPlan): string[] {
  if (!division) return [];
  const { devices, microBatches, each, busy } = division;
  const idle = busy < 1 ? `; ${Math.round(100 * (1 - busy))} % of their time they wait for each other` : '';
  return [
    `devices ${devices.join(', ')}: the ${microBatches} micro-batches of a step are dealt out, ${each} to each at most${idle}`,
  ];
}

/** Which type of products and why, how weights are held, and what the run would take otherwise. */
function precisionLines({ precision, memory, recipe }: TrainingPlan): string[] {
  if (!precision) return [];
  const otherwise = memory?.otherwise?.map(
    (way) =>
      `about ${formatBytes(way.forecast.peak)} with ${way.precision === precision.precision ? weightsOf(way) : `products in ${way.precision}`}`,
  );
  return [
    `products: ${describePrecision(precision)}; ${weightsOf({ ...recipe, ...precision })}`,
    ...(otherwise ? [`peak memory would be ${otherwise.join(', ')}`] : []),
  ];
}

/** How the layers' frozen matrices are held. */
function weightsOf(held: Pick<TrainingPlan['recipe'], 'precision' | 'loadIn16bit' | 'loadIn8bit' | 'loadIn4bit'>) {
  const { precision, loadIn16bit, loadIn8bit, loadIn4bit } = held;
  if (loadIn4bit || loadIn8bit) return `weights in ${loadIn4bit ? 4 : 8} bits`;
  return `weights in ${loadIn16bit ? 'bfloat16' : precision}`;
}

/** What a plan says about memory, as lines; none where that was not worked out. */
function memoryLines({ memory, recipe }: TrainingPlan): string[] {
  if (!memory) return [];
  const { forecast, tooLarge } = memory;
  if (!forecast) return ['peak memory: cannot be forecast for an eager program'];
  const { peak, variables, tensors, besides } = forecast;
  const parts = `weights and optimizer ${formatBytes(variables)}, tensors ${formatBytes(tensors)}, everything else ${formatBytes(besides)}`;
  const { memoryLimit, microBatches, evalRows, gradientCheckpointing = false } = recipe;
  const choice = describeChoice({ microBatches, evalRows, gradientCheckpointing });
  const before = tooLarge.map(({ options, forecast }) => `${describeChoice(options)} ${formatBytes(forecast.peak)}`);
  return [
    `peak memory: about ${formatBytes(peak)} (${parts})`,
    ...(memoryLimit ? [`for the limit of ${memoryLimit}: ${choice}`] : []),
    ...(before.length > 0 ? [`too large: ${before.join('; ')}`] : []),
  ];
}

/**
 * The shapes that batches are computed in: `lines x tokens of a line (trained tokens at most)`, most tokens
 * first.
 */
function shapeLines({ trainStep, accumulate, evalLoss }: EntryBatches): string[] {
  const tokens = ({ lines, length }: BatchShape) => lines * length;
  const line = (what: string, shapes: readonly BatchShape[]) => {
    const sizes = shapes
      .toSorted((x, y) => tokens(y) - tokens(x))
      .map(({ lines, length, targets }) => `${lines} x ${length} (${targets})`);
    return shapes.length > 0 ? [`${what}: ${sizes.join(', ')}`] : [];
  };
  return [
    ...line('batches, lines x tokens (trained at most)', [...trainStep, ...accumulate]),
    ...line('held-out batches', evalLoss),
  ];
}

/**
 * The stages of a plan as a table: rows, steps, tokens, trained tokens of a step, share of padding among the
 * positions computed.
 */
function planTable(stages: readonly StageSummary[]): string[] {
  const sum = (count: (stage: StageSummary) => number) => stages.reduce((n, stage) => n + count(stage), 0);
  const total: StageSummary = {
    stage: 0,
    label: 'total',
    rows: sum(({ rows }) => rows),
    replayed: sum(({ replayed }) => replayed),
    steps: sum(({ steps }) => steps),
    tokens: sum(({ tokens }) => tokens),
    trainedTokens: sum(({ trainedTokens }) => trainedTokens),
    paddedTokens: sum(({ paddedTokens }) => paddedTokens),
  };
  const cells = (stage: StageSummary) => [
    stage.label,
    formatCount(stage.rows),
    formatCount(stage.replayed),
    formatCount(stage.steps),
    formatCount(stage.tokens),
    formatCount(stage.trainedTokens),
    `${Math.round(100 * (1 - stage.tokens / stage.paddedTokens))} %`,
  ];
  const heads = ['', 'rows', 'replayed', 'steps', 'tokens', 'trained', 'padding'];
  const lines = [heads, ...stages.map(cells), ...(stages.length > 1 ? [cells(total)] : [])];
  const widths = heads.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  return lines.map((line) =>
    line.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!))).join('  '),
  );
}
