import type { OrderVerdict, Verdict } from '../../eval/verdicts/verdict.js';
import { formatCount, formatCounted } from '../../telemetry/format.js';
import type { PageBlock, PageCell, Section } from '../page.js';
import type { EvaluationReport, ShownAnswer, ShownPair } from './read-evaluation-report.js';

/** Pairs of answers side by side; empty where none were asked for. */
export function answersSection({ pairs, file: { baseline } }: EvaluationReport): Section[] {
  if (pairs.length === 0) return [];
  const judged = pairs.some(({ x }) => x !== null);
  const text = judged
    ? 'The more the score differs from what was to be expected (from the difference in length, or the mean), the more surprising. Score: 1 if the arm won in every order, 0 if it lost, one half for a tie; of a judge that measures it, how likely the answer of the arm is the better one. Read some of these before you trust the judge.'
    : 'Nobody has judged these answers: they are those of the first rows.';
  return [
    {
      id: 'answers',
      title: judged ? 'Answers, the most surprising verdicts first' : 'Answers',
      blocks: [
        { kind: 'paragraph', text },
        {
          kind: 'items',
          caption: `${formatCount(pairs.length)} ${pairs.length === 1 ? 'pair' : 'pairs'} of answers`,
          keys: KEYS,
          items: pairs.map((pair) => ({
            heading: `${pair.arm}${pair.run > 1 ? `, run ${pair.run}` : ''}, ${pair.set} ${pair.id}: ${beginning(pair)}`,
            values: valuesOf(pair),
            blocks: blocksOf(pair, baseline),
          })),
        },
      ],
    },
  ];
}

/** Characters of an instruction that name its pair. */
const BEGINNING = 80;

function beginning({ messages }: ShownPair): string {
  const text = (messages.findLast(({ role }) => role === 'user')?.content ?? '').replace(/\s+/g, ' ').trim();
  return text.length > BEGINNING ? `${[...text].slice(0, BEGINNING).join('')}…` : text;
}

const KEYS = ['surprise', 'score of the arm', 'expected', 'characters more', 'difficulty'];

const cell = (value: number | null | undefined, digits: number): PageCell =>
  value === null || value === undefined || Number.isNaN(value)
    ? { text: '-', value: null }
    : { text: value.toFixed(digits), value };

function valuesOf({ x, expected, armAnswer, baselineAnswer, score, band }: ShownPair): PageCell[] {
  const more = armAnswer && baselineAnswer ? armAnswer.characters - baselineAnswer.characters : null;
  return [
    cell(x === null || expected === null ? null : Math.abs(x - expected), 2),
    cell(x, 2),
    cell(expected, 2),
    cell(more, 0),
    score === undefined ? cell(band, 0) : { text: String(score), value: score },
  ];
}

function blocksOf(pair: ShownPair, baseline: string): PageBlock[] {
  const { messages, reference, baselineAnswer, armAnswer, verdicts, arm } = pair;
  return [
    // One below the other: turns follow each other, and only answers are compared.
    ...messages.map(({ role, content }): PageBlock => {
      const heading = messages.length === 1 ? 'Instruction' : ROLES[role];
      return { kind: 'texts', texts: [{ heading, text: content }] };
    }),
    {
      kind: 'texts',
      texts: [side(`${baseline} (baseline)`, baselineAnswer), side(arm, armAnswer)],
    },
    ...(reference === undefined
      ? []
      : [{ kind: 'texts', texts: [{ heading: 'Reference answer', text: reference }] } as const]),
    ...(verdicts.length > 0 ? [verdictTable(verdicts, { arm, baseline })] : []),
  ];
}

const ROLES = { system: 'System', user: 'User', assistant: 'Assistant' } as const;

const FINISHES = { stop: 'ended by itself', length: 'cut off at the limit of tokens' } as const;

function side(heading: string, answer: ShownAnswer | undefined) {
  if (!answer) return { heading, note: 'no answer', text: '' };
  const { output, characters, tokens, finish } = answer;
  const note = [
    formatCounted(characters, 'character'),
    ...(tokens === undefined ? [] : [formatCounted(tokens, 'token')]),
    ...(finish ? [FINISHES[finish]] : []),
  ];
  return { heading, note: note.join(', '), text: output };
}

type Names = Readonly<{ arm: string; baseline: string }>;

/** What each judge said in each order, with its reason. */
function verdictTable(verdicts: readonly Verdict[], names: Names): PageBlock {
  const rows = verdicts.flatMap((verdict) =>
    verdict.orders.length === 0
      ? [[verdict.judge, '-', UNASKED[verdict.state], '']]
      : verdict.orders.map((order) => orderRow(verdict, order, names)),
  );
  return { kind: 'table', rows: [['judge', 'shown first', 'says is better', 'reason'], ...rows], left: 4 };
}

const UNASKED: Readonly<Record<Verdict['state'], string>> = {
  judged: '-',
  equal: 'equal answers: a tie that nobody was asked about',
  'both-empty': 'both are empty: a tie that nobody was asked about',
  missing: 'missing',
};

function orderRow({ judge }: Verdict, order: OrderVerdict, { arm, baseline }: Names): string[] {
  const { first, better, logOdds, missing, repeat, why = '' } = order;
  const sides = { arm, baseline, tie: 'neither' };
  const said = better === null ? `no verdict (${missing ?? 'unknown'})` : sides[better];
  const odds = logOdds === undefined ? [] : [`log-odds ${logOdds.toFixed(2)} that the first is better`];
  const times = repeat === undefined ? '' : `, time ${formatCount(repeat)}`;
  return [judge, `${sides[first]}${times}`, said, [...odds, ...(why === '' ? [] : [why])].join('; ')];
}
