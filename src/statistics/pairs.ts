import { type Counts, groupSizes, type Ranked, total } from './ranks.js';

/** All pairs of rows by what two scores say of their order. */
export interface PairCounts {
  /** n (n - 1) / 2. */
  readonly pairs: number;
  /** Both scores put the same row first. */
  readonly concordant: number;
  /** They put different rows first. */
  readonly discordant: number;
  /** Pairs that the first score does not tell apart, those that neither does among them. */
  readonly tiedX: number;
  readonly tiedY: number;
  /** Neither score tells the two rows apart. */
  readonly tiedBoth: number;
}

/** Rows in the order of the first score, ties by the second: what counting pairs needs, made once for many resamples. */
export interface PairOrder {
  readonly x: Ranked;
  readonly y: Ranked;
  readonly rows: Int32Array;
  /** Groups of the two scores in this order. */
  readonly groupX: Int32Array;
  readonly groupY: Int32Array;
}

/**
 * Puts the rows of two scores in order for {@link countPairs}.
 *
 * @example
 * const order = pairOrder(rank([1, 2, 3]), rank([1, 3, 2]));
 * console.log(countPairs(order).concordant); // 2
 */
export function pairOrder(x: Ranked, y: Ranked): PairOrder {
  if (x.values.length !== y.values.length)
    throw new RangeError(`expected as many values, got ${x.values.length} and ${y.values.length}`);
  const key = Float64Array.from(x.group, (group, i) => group * y.groups + y.group[i]!);
  const rows = Int32Array.from(x.group, (_, i) => i).sort((a, b) => key[a]! - key[b]!);
  return { x, y, rows, groupX: rows.map((row) => x.group[row]!), groupY: rows.map((row) => y.group[row]!) };
}

/**
 * Counts pairs in n log n steps, not n²: 52,002 rows have 1.35e9 pairs. Rows come in order of the first score, and a tree of sums (Fenwick
 * 1994) over the second tells how many before each have less; ties are counted by their groups as Knight (1966) does.
 *
 * @example
 * const { pairs, discordant } = countPairs(pairOrder(rank([1, 2, 3]), rank([1, 3, 2])));
 */
export function countPairs({ x, y, rows, groupX, groupY }: PairOrder, counts?: Counts): PairCounts {
  const tree = new Float64Array(y.groups + 1);
  let [concordant, tiedBoth] = [0, 0];
  for (let start = 0; start < rows.length; ) {
    const group = groupX[start]!;
    let end = start;
    let [same, sameY] = [0, -1];
    for (; end < rows.length && groupX[end] === group; end++) {
      const count = counts ? counts[rows[end]!]! : 1;
      if (count === 0) continue;
      const own = groupY[end]!;
      for (let i = own; i > 0; i -= i & -i) concordant += count * tree[i]!;
      if (own !== sameY) {
        same = 0;
        sameY = own;
      }
      tiedBoth += count * same + choose2(count);
      same += count;
    }
    for (; start < end; start++) {
      const count = counts ? counts[rows[start]!]! : 1;
      if (count > 0) for (let i = groupY[start]! + 1; i <= y.groups; i += i & -i) tree[i]! += count;
    }
  }
  const [tiedX, tiedY] = [tiedPairs(x, counts), tiedPairs(y, counts)];
  const pairs = choose2(total(x, counts));
  return { pairs, concordant, discordant: pairs - tiedX - tiedY + tiedBoth - concordant, tiedX, tiedY, tiedBoth };
}

const choose2 = (n: number) => (n * (n - 1)) / 2;

const tiedPairs = (ranked: Ranked, counts: Counts) =>
  groupSizes(ranked, counts).reduce((sum, size) => sum + choose2(size), 0);

/**
 * Kendall's tau-b, -1 to 1: concordant less discordant pairs, over the geometric mean of the pairs that each score tells apart; undefined
 * where one of them tells none apart.
 *
 * @example
 * const tau = kendallTauB(countPairs(pairOrder(rank([1, 2, 3]), rank([1, 3, 2]))));
 */
export function kendallTauB({ pairs, concordant, discordant, tiedX, tiedY }: PairCounts): number | undefined {
  const [toldX, toldY] = [pairs - tiedX, pairs - tiedY];
  if (toldX === 0 || toldY === 0) return undefined;
  return Math.max(-1, Math.min(1, (concordant - discordant) / Math.sqrt(toldX) / Math.sqrt(toldY)));
}

/** How often two scores agree on which of two rows is the harder, in percent. */
export interface OrderAgreement {
  /** Among pairs that both tell apart: ties are no opinion. 50 is chance. Undefined where there is no such pair. */
  readonly untied: number | undefined;
  /** Among all pairs, three answers: the one, the other, or as hard; a tie agrees with a tie only. Undefined without pairs. */
  readonly tied: number | undefined;
}

/**
 * See {@link OrderAgreement}.
 *
 * @example
 * const { untied } = orderAgreement(countPairs(pairOrder(rank([1, 2, 3]), rank([1, 3, 2]))));
 */
export function orderAgreement({ pairs, concordant, discordant, tiedBoth }: PairCounts): OrderAgreement {
  const told = concordant + discordant;
  return {
    untied: told > 0 ? (100 * concordant) / told : undefined,
    tied: pairs > 0 ? (100 * (concordant + tiedBoth)) / pairs : undefined,
  };
}
