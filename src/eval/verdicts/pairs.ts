import { dataError } from '../../core/errors.js';
import { shortHash } from '../../core/hash.js';
import type { Message } from '../../data/record.js';
import type { Pair, PairedAnswer, SetAnswers } from './pair-types.js';

/** Which arms are compared: each with the baseline, or each with each. */
export type PairsOption = 'baseline' | 'all';

/** What {@link pairAnswers} found. */
export interface Pairing {
  /** By pair of arms, run, set and row, in that order. */
  readonly pairs: readonly Pair[];
  /** Runs that have no counterpart, as `arm, run 3`. */
  readonly unpaired: readonly string[];
}

/**
 * Pairs the answers of arms to the same rows. The baseline comes first in a pair with it; other pairs are in the arms'
 * order. Run k of an arm meets run k of the other one, or its only run. A row that one side did not answer is a pair
 * without that answer. Throws a data error where two arms answered other rows: each has ids that the other does not
 * have, or an id has two instructions.
 *
 * @example
 * const messages = [{ role: 'user' as const, content: 'What is 2 + 3?' }];
 * const answersOf = (arm: string, output: string) =>
 *   ({ file: `${arm}.jsonl`, arm, run: 1, set: 'sums', rows: [{ id: '1', messages, output }] });
 * const { pairs } = pairAnswers([answersOf('base', '6'), answersOf('phased', '5')], 'base', 'baseline');
 * console.log(pairs[0]?.answers); // { baseline: '6', arm: '5' }
 */
export function pairAnswers(answers: readonly SetAnswers[], baseline: string, which: PairsOption): Pairing {
  checkRows(answers);
  const arms = [...new Set(answers.map(({ arm }) => arm))].sort(
    (x, y) => Number(y === baseline) - Number(x === baseline),
  );
  const sets = [...new Set(answers.map(({ set }) => set))];
  const pairs: Pair[] = [];
  const unpaired = new Set<string>();
  const runsOf = (arm: string) => Math.max(...answers.map((one) => (one.arm === arm ? one.run : 0)));
  const find = (arm: string, run: number, set: string) =>
    answers.find((one) => one.arm === arm && one.run === run && one.set === set);
  for (const [i, first] of (which === 'all' ? arms : arms.slice(0, 1)).entries())
    for (const second of arms.slice(i + 1)) {
      const [ours, theirs] = [runsOf(first), runsOf(second)];
      for (let k = 1; k <= Math.max(ours, theirs); k++) {
        const [baselineRun, run] = [ours === 1 ? 1 : k, theirs === 1 ? 1 : k];
        if (baselineRun > ours) unpaired.add(`${second}, run ${run}`);
        else if (run > theirs) unpaired.add(`${first}, run ${baselineRun}`);
        else
          for (const set of sets)
            pairs.push(
              ...pairRows(
                { set, baseline: first, arm: second, run, baselineRun },
                find(first, baselineRun, set),
                find(second, run, set),
              ),
            );
      }
    }
  return { pairs, unpaired: [...unpaired] };
}

function pairRows(
  about: Pick<Pair, 'set' | 'baseline' | 'arm' | 'run' | 'baselineRun'>,
  baseline: SetAnswers | undefined,
  arm: SetAnswers | undefined,
): Pair[] {
  const rows = new Map<string, readonly Message[]>();
  const [ours, theirs] = [baseline, arm].map((side) => {
    const outputs = new Map<string, string>();
    for (const { id, messages, output } of side?.rows ?? []) {
      rows.set(id, rows.get(id) ?? messages);
      outputs.set(id, output);
    }
    return outputs;
  }) as [Map<string, string>, Map<string, string>];
  return [...rows].map(([id, messages]) => ({
    ...about,
    id,
    messages,
    answers: { baseline: ours.get(id), arm: theirs.get(id) },
  }));
}

/** Ids that an error lists at most. */
const LISTED = 5;

/** All answers to a set are to the same rows; some may be missing. */
function checkRows(answers: readonly SetAnswers[]): void {
  const fullest = new Map<string, SetAnswers>();
  for (const one of answers) if (one.rows.length > (fullest.get(one.set)?.rows.length ?? -1)) fullest.set(one.set, one);
  for (const one of answers) {
    const other = fullest.get(one.set)!;
    const known = new Map(other.rows.map((row) => [row.id, row]));
    const strange = one.rows.filter(({ id }) => !known.has(id)).map(({ id }) => id);
    if (strange.length > 0)
      throw dataError(
        `${one.file}: ${one.arm} answered rows of ${one.set} that ${other.arm} did not answer: ${listed(strange)}; expected answers to the same rows`,
        { file: one.file, rows: listed(strange) },
      );
    for (const row of one.rows) {
      const twin = known.get(row.id)!;
      if (!sameMessages(row, twin))
        throw dataError(
          `${one.file}: row ${row.id} of ${one.set} has another instruction there than in ${other.file}; expected answers to the same rows`,
          { file: one.file, id: row.id },
        );
    }
  }
}

const listed = (ids: readonly string[]): string =>
  ids.length > LISTED ? `${ids.slice(0, LISTED).join(', ')} and ${ids.length - LISTED} more` : ids.join(', ');

const sameMessages = ({ messages: x }: PairedAnswer, { messages: y }: PairedAnswer): boolean =>
  x === y ||
  (x.length === y.length && x.every(({ role, content }, i) => role === y[i]!.role && content === y[i]!.content));

/** Why a pair is settled without a judge; undefined where it is to be asked about. */
export function settledUnasked({ answers: { baseline, arm } }: Pair): 'equal' | 'both-empty' | 'no-answer' | undefined {
  if (baseline === undefined || arm === undefined) return 'no-answer';
  const [x, y] = [baseline.trim(), arm.trim()];
  if (x !== y) return undefined;
  return x === '' ? 'both-empty' : 'equal';
}

/**
 * Which side's answer stands first where each pair is asked in one order only. It is drawn from the texts themselves,
 * so that it does not depend on the order of the arms.
 */
export function drawFirst({ messages, answers: { baseline = '', arm = '' } }: Pair): 'baseline' | 'arm' {
  const texts = [baseline, arm].sort();
  const smallerFirst = Number.parseInt(shortHash(JSON.stringify([messages, texts]))[0]!, 16) % 2 === 0;
  return (baseline === texts[0]) === smallerFirst ? 'baseline' : 'arm';
}
