import type { CheckedStage, HandoverCheck } from '../../handover/check.js';
import type { Finding } from '../../handover/traps.js';
import { formatCounted } from '../../telemetry/format.js';

/**
 * A check as lines: what is wrong with what was handed over, then a line for each stage with what
 * is wrong below it.
 */
export const checkLines = ({ findings, stages, complete, ok }: HandoverCheck): string[] => [
  ...findings.flatMap((each) => findingLines(each, '')),
  ...stages.flatMap(stageLines),
  ...(complete
    ? ['all stages were trained as planned, as far as it is recorded']
    : ok
      ? [`${formatCounted(stages.filter(({ state }) => state === 'not trained').length, 'stage')} not trained yet`]
      : []),
];

function stageLines(checked: CheckedStage): string[] {
  const { stage, label, state, findings, notes } = checked;
  const words = state === 'wrong' ? 'WRONG' : state;
  return [
    `stage ${stage} (${label}): ${[words, ...factsOf(checked)].join(', ')}`,
    ...findings.flatMap((each) => findingLines(each, '  ')),
    ...notes.map((note) => `  note: ${note}`),
  ];
}

function factsOf({ state, steps, loss, sha256 }: CheckedStage): string[] {
  if (state === 'not trained') return [];
  const made =
    steps.made === undefined
      ? `steps not recorded, ${steps.planned} planned`
      : `${steps.made} of ${steps.planned} steps`;
  return [
    made,
    ...(loss ? [`loss ${loss.first.toFixed(3)} to ${loss.last.toFixed(3)}`] : []),
    ...(sha256 === undefined ? [] : [`adapter ${sha256.slice(0, 12)}`]),
  ];
}

const findingLines = ({ trap, problem, remedy }: Finding, indent: string): string[] => [
  `${indent}${trap}: ${problem}`,
  `${indent}  ${remedy}`,
];
