import type { Block } from '../../telemetry/document.js';
import { formatCount } from '../../telemetry/format.js';
import type { CheckRates } from '../checks/rates.js';
import type { EvaluationResult } from './result.js';

type Rate = CheckRates['empty'];

const percent = (share: number): string => (100 * share).toFixed(1);

/** A count, and where there is one, the interval of its share in percent. */
const counted = ({ count, low, high }: Rate): string =>
  count === 0 ? '0' : `${formatCount(count)} (${percent(low)} to ${percent(high)} %)`;

const met = ({ share, low, high, of }: Rate): string =>
  share === null ? '-' : `${percent(share)} [${percent(low)}, ${percent(high)}] of ${formatCount(of)}`;

/** What the local checks found in the answers. */
export function checkBlocks({ answers }: EvaluationResult): Block[] {
  const rows = Object.entries(answers).map(([arm, { answers: all, length, rates }]) => [
    arm,
    formatCount(all),
    ...[rates.empty, rates.cut, rates.loop, rates.refusal, rates.copy, rates.otherScript].map(counted),
    length ? `${length.low.toFixed(0)}, ${length.median.toFixed(0)}, ${length.high.toFixed(0)}` : '-',
  ]);
  return [
    { kind: 'heading', text: 'Answers' },
    {
      kind: 'table',
      rows: [
        ['arm', 'answers', 'empty', 'cut off', 'looping', 'refusals', 'copies', 'other script', 'quartiles of length'],
        ...rows,
      ],
    },
    {
      kind: 'paragraph',
      text: 'Found by rules, without a judge; refusals by how an answer begins, so look at some before you rely on it. In brackets: what the share could be in other answers of the arm.',
    },
    ...constraintBlocks(answers),
  ];
}

function constraintBlocks(answers: EvaluationResult['answers']): Block[] {
  const having = Object.entries(answers).flatMap(([arm, { rates }]) =>
    rates.constraints ? [{ arm, constraints: rates.constraints }] : [],
  );
  if (having.length === 0) return [];
  const unchecked = Object.entries(having[0]!.constraints.unchecked);
  const left =
    unchecked.length === 0
      ? ''
      : ` Not checked, and so in no share: ${unchecked.map(([name, times]) => `${name} (${formatCount(times)})`).join(', ')}.`;
  return [
    { kind: 'heading', text: 'Constraints' },
    {
      kind: 'table',
      rows: [
        ['arm', 'rows, strictly', 'rows, loosely', 'one by one, strictly', 'one by one, loosely'],
        ...having.map(({ arm, constraints: { promptStrict, promptLoose, instructionStrict, instructionLoose } }) => [
          arm,
          ...[promptStrict, promptLoose, instructionStrict, instructionLoose].map(met),
        ]),
      ],
    },
    {
      kind: 'paragraph',
      text: `Percent of rows all of whose constraints an answer meets, and of constraints; loosely: in the best of eight texts, with and without the first line, the last line, and asterisks.${left}`,
    },
  ];
}
