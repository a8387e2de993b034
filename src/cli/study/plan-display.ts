import type { PlannedArm, StudyPlan } from '../../study/plan-study.js';
import type { StudyPower } from '../../study/power.js';
import type { KnownSpeed } from '../../study/time-forecast.js';
import { alignedLines } from '../../telemetry/document.js';
import { formatBytes, formatCount, formatCounted, formatDuration, formatNumber } from '../../telemetry/format.js';
import type { CommandContext } from '../command.js';
import { winRatePlanLines } from './win-rate-plan.js';

/** Prints what a study would take and what it could find. */
export function printStudyPlan(plan: StudyPlan, { print, logger }: Pick<CommandContext, 'print' | 'logger'>): void {
  for (const warning of plan.warnings) logger.warn(warning);
  const winRates = plan.winRates ? [winRatePlanLines(plan.winRates)] : [];
  for (const section of [sizeLines(plan), armLines(plan), costLines(plan), ...winRates, powerLines(plan.power)]) {
    for (const line of section) print(line);
    print('');
  }
  for (const warning of plan.power.warnings) print(`note: ${warning}`);
}

function sizeLines({ cells, blocks, done, budget, registered, added, folder, largestDifference }: StudyPlan): string[] {
  const where = registered ? `registered in ${folder}, ${done} done` : `would be registered in ${folder}`;
  const share = (100 * largestDifference.share).toFixed(2);
  return [
    `${formatCounted(cells, 'cell')} in ${formatCounted(blocks, 'block')}; ${where}`,
    ...(added.length > 0 ? [`would be added: ${added.join(', ')}`] : []),
    `${formatCount(budget)} trained tokens each; arms differ by ${share} % at most (${largestDifference.most} and ${largestDifference.fewest})`,
  ];
}

function armLines({ arms }: StudyPlan): string[] {
  const axes = Object.keys(arms[0]?.axes ?? {});
  const head = [...axes, 'arm', 'cells', 'stages', 'steps', 'trained tokens'];
  const row = (arm: PlannedArm) => [
    ...axes.map((axis) => arm.axes[axis]!),
    arm.arm,
    String(arm.cells),
    String(arm.stages),
    formatNumber(arm.steps),
    formatCount(Math.round(arm.trainedTokens)),
  ];
  return alignedLines([head, ...arms.map(row)], axes.length + 1);
}

const BASES: Readonly<Record<KnownSpeed['basis'], (from: number) => string>> = {
  cells: (from) => `by ${formatCounted(from, 'cell')} that ${from === 1 ? 'is' : 'are'} done`,
  study: (from) => `by ${formatCounted(from, 'cell')} of the other study`,
  products: () => 'rough, by the speed of matrix products here',
};

function costLines({ time, disk, memory, precision }: StudyPlan): string[] {
  const { seconds, secondsAlone, parallel, threads, speed } = time;
  const free = (bytes: number | null) => (bytes === null ? '' : `, ${formatBytes(bytes)} free`);
  const each = threads === null ? '' : `, ${formatCounted(threads, 'thread')} each`;
  const alone = secondsAlone !== null && parallel > 1 ? `, one after another ${formatDuration(secondsAlone)}` : '';
  const known = speed ? ` (${BASES[speed.basis](speed.from)})` : '';
  return [
    `time:   ${seconds === null ? 'unknown' : `about ${formatDuration(seconds)}`} at ${parallel} at once${each}${alone}${known}`,
    `memory: ${memory.bytes === null ? `unknown${memory.problem ? `: ${memory.problem}` : ''}` : `${formatBytes(memory.bytes)} for the largest cell`}${free(memory.free)}`,
    `disk:   ${formatBytes(disk.bytes)} for all cells${free(disk.free)}`,
    ...(precision === null ? [] : [`products of all cells: ${precision}, wherever they run`]),
  ];
}

function powerLines({ n, unit, comparisons, sd, metricUnit, table, margin }: StudyPower): string[] {
  const basis =
    sd === null
      ? 'in standard deviations of a difference, which is not known yet'
      : `in ${metricUnit === 'nats' ? 'nats per token' : 'points'}; a difference varies by ${formatNumber(sd.sd)} (${sd.basis === 'study' ? 'in the other study' : `at most, by ${sd.from} runs of the control`})`;
  const rows = table.map((row) => [
    `${row.n}${row.n === n ? ' (this study)' : ''}`,
    formatNumber(row.difference),
    formatNumber(row.margin),
  ]);
  return [
    `what so many ${unit}s find with a chance of 80 %, ${formatCounted(comparisons, 'comparison')}, ${basis}:`,
    ...alignedLines([[`${unit}s`, 'least difference', 'equal within'], ...rows], 0),
    ...(margin
      ? [
          `a difference of ${margin.margin} is found with a chance of ${Math.round(100 * margin.power)} %; 80 % take ${formatSeeds(margin.seeds, unit)}, to show two equal arms to be the same ${formatSeeds(margin.seedsForSame, unit)}`,
        ]
      : []),
  ];
}

const formatSeeds = (seeds: number, unit: string): string =>
  Number.isFinite(seeds) ? formatCounted(seeds, unit) : `more ${unit}s than can be run`;
