import { dataError } from '../core/errors.js';
import { random } from '../core/random.js';

/** Parts of a stage by difficulty; each gives the same share of its rows to the hold-out. */
const STRATA = 10;

/**
 * Held-out rows wanted of a stage: `holdout` below 1 is a share (rounded, at least 1 row),
 * otherwise a number of rows.
 */
const wantedOf = (rows: number, holdout: number): number =>
  holdout >= 1 ? holdout : holdout === 0 ? 0 : Math.max(1, Math.round(rows * holdout));

/** What the hold-out is chosen by: difficulty, and which rows ask the same. */
export interface HoldoutInput {
  /** Rows in the order of their scores. */
  readonly order: Uint32Array;
  /** Stage of each row, from 0. */
  readonly stageOf: Uint8Array;
  /** Cluster of each row: the first row of those that ask the same or nearly so. */
  readonly clusterOf: Int32Array;
}

/**
 * Which rows are held out (1) and which are not (0): of each stage a seeded random share or number,
 * spread over ten parts of the stage by increasing score. Clusters stay on one side, whichever
 * stages they are in: one that does not fit into what its parts, or else its stages, still need is
 * trained on, so a stage with many such rows can miss its number. Throws a data error when a stage
 * would have no row left to train on.
 */
export function holdOut(
  { order, stageOf, clusterOf }: HoldoutInput,
  { stages, holdout, seed }: { stages: number; holdout: number; seed: number },
): Uint8Array {
  const held = new Uint8Array(order.length);
  const { stratumOf, wanted } = strata(order, stageOf, stages, holdout);
  const { members, starts } = clusterRows(clusterOf);
  const shuffled = random(seed, 'curriculum', 'holdout').shuffle(Array.from(starts.keys()).slice(0, -1));
  const rowsOf = (cluster: number) => members.subarray(starts[cluster]!, starts[cluster + 1]!);
  let unfit = shuffled;
  /** Takes the clusters that fit into what is left of each part; `partOf` is the part of a row. */
  const fill = (left: Int32Array, partOf: (row: number) => number) => {
    let open = left.reduce((sum, n) => sum + n, 0);
    unfit = unfit.filter((cluster) => {
      const rows = rowsOf(cluster);
      if (rows.length > open || !takeAll(rows, left, partOf)) return true;
      for (const row of rows) held[row] = 1;
      open -= rows.length;
      return false;
    });
  };
  fill(wanted, (row) => stratumOf[row]!);
  const rest = new Int32Array(stages);
  for (const [stratum, n] of wanted.entries()) rest[Math.floor(stratum / STRATA)]! += n;
  if (rest.some((n) => n > 0)) fill(rest, (row) => stageOf[row]!);
  return held;
}

/** Takes a row each from its part, or none when one of the parts has not enough left. */
function takeAll(rows: Int32Array, left: Int32Array, partOf: (row: number) => number): boolean {
  for (const [i, row] of rows.entries()) {
    if (left[partOf(row)]! > 0) {
      left[partOf(row)]!--;
      continue;
    }
    for (const taken of rows.subarray(0, i)) left[partOf(taken)]!++;
    return false;
  }
  return true;
}

/** The part of each row, `STRATA * stage` and on, and how many rows are wanted of each part. */
function strata(order: Uint32Array, stageOf: Uint8Array, stages: number, holdout: number) {
  const total = new Uint32Array(stages);
  for (const stage of stageOf) total[stage]!++;
  const wanted = new Int32Array(stages * STRATA);
  for (const [stage, rows] of total.entries()) {
    const all = checkWanted(rows, holdout, stages === 1 ? undefined : stage + 1);
    // Whole rows for each part, which add up to all of them; a part of a small stage can want more than it has.
    for (let part = 0; part < STRATA; part++)
      wanted[stage * STRATA + part] = Math.round((all * (part + 1)) / STRATA) - Math.round((all * part) / STRATA);
  }
  const stratumOf = new Uint8Array(order.length);
  const seen = new Uint32Array(stages);
  for (const row of order) {
    const stage = stageOf[row]!;
    stratumOf[row] = stage * STRATA + Math.floor((seen[stage]!++ * STRATA) / total[stage]!);
  }
  return { stratumOf, wanted };
}

/** `stage` is from 1, undefined where the rows are not cut. */
function checkWanted(rows: number, holdout: number, stage: number | undefined): number {
  const wanted = wantedOf(rows, holdout);
  if (wanted < rows || rows === 0) return wanted;
  const where = stage === undefined ? 'the set' : `stage ${stage}`;
  throw dataError(`${where} has ${rows} row${rows === 1 ? '' : 's'}; holding out ${wanted} leaves none to train on`, {
    rows,
    ...(stage !== undefined && { stage }),
    remedies: [
      { option: 'holdout', change: 'lower', note: `(${holdout})` },
      ...(stage === undefined ? [] : [{ advice: 'make fewer stages' }]),
    ],
  });
}

/** Rows of each cluster next to each other: those of cluster c lie from `starts[c]` to before `starts[c + 1]`. */
function clusterRows(clusterOf: Int32Array): { members: Int32Array; starts: Uint32Array } {
  const sizes = new Uint32Array(clusterOf.length);
  for (const first of clusterOf) sizes[first]!++;
  const number = new Int32Array(clusterOf.length);
  const starts: number[] = [0];
  for (const [row, size] of sizes.entries()) {
    if (size === 0) continue;
    number[row] = starts.length - 1;
    starts.push(starts.at(-1)! + size);
  }
  const filled = Uint32Array.from(starts);
  const members = new Int32Array(clusterOf.length);
  for (const [row, first] of clusterOf.entries()) members[filled[number[first]!]!++] = row;
  return { members, starts: Uint32Array.from(starts) };
}
