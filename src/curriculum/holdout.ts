import { dataError } from '../core/errors.js';
import { random } from '../core/random.js';
import type { InstructionRecord } from '../data/record.js';

/** What a row asks, for telling equal rows: all turns before the answer, white space and case evened out. */
export const instructionKey = ({ messages }: InstructionRecord): string =>
  JSON.stringify(
    messages.slice(0, -1).map(({ role, content }) => [role, content.trim().replace(/\s+/g, ' ').toLowerCase()]),
  );

/** Held-out rows wanted of a stage: `holdout` below 1 is a share (rounded, at least 1 row), else a number of rows. */
const wantedOf = (rows: number, holdout: number): number =>
  holdout >= 1 ? holdout : holdout === 0 ? 0 : Math.max(1, Math.round(rows * holdout));

/**
 * Which rows are held out: of each stage a seeded random share or number. Rows that ask the same thing stay on one side,
 * whichever stages they are in, so a stage can miss its number where such rows are many. Throws a data error when a
 * stage would keep no row to train on.
 */
export function holdOut(
  rows: readonly InstructionRecord[],
  stageOf: readonly number[],
  { stages, holdout, seed }: { stages: number; holdout: number; seed: number },
): boolean[] {
  const held = rows.map(() => false);
  const total = new Array<number>(stages).fill(0);
  for (const stage of stageOf) total[stage]!++;
  const left = total.map((n, stage) => checkedWant(n, holdout, stage));
  const groups = sameInstruction(rows);
  for (const group of random(seed, 'curriculum', 'holdout').shuffle(groups)) {
    const need = new Array<number>(stages).fill(0);
    for (const row of group) need[stageOf[row]!]!++;
    if (need.some((n, stage) => n > left[stage]!)) continue;
    for (const row of group) held[row] = true;
    for (const [stage, n] of need.entries()) left[stage]! -= n;
  }
  return held;
}

function checkedWant(rows: number, holdout: number, stage: number): number {
  const wanted = wantedOf(rows, holdout);
  if (wanted < rows || rows === 0) return wanted;
  throw dataError(
    `stage ${stage + 1} has ${rows} row${rows === 1 ? '' : 's'}; holding out ${wanted} leaves none to train on; lower holdout (${holdout}) or make fewer stages`,
    { stage: stage + 1, rows },
  );
}

function sameInstruction(rows: readonly InstructionRecord[]): number[][] {
  const groups = new Map<string, number[]>();
  for (const [i, row] of rows.entries()) {
    const key = instructionKey(row);
    const group = groups.get(key);
    if (group) group.push(i);
    else groups.set(key, [i]);
  }
  return [...groups.values()];
}
