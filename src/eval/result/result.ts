/** A rate in percent with its interval. */
export interface Rate {
  readonly winRate: number;
  readonly low: number;
  readonly high: number;
  /** Rows that it is computed from. */
  readonly n: number;
}

/** How an arm does against the baseline. */
export interface ArmResult extends Rate {
  /** Rows that were to be judged: `n` and `missing`. */
  readonly rows: number;
  readonly runs: number;
  readonly standardError: number;
  readonly wins: number;
  readonly ties: number;
  readonly losses: number;
  readonly missing: number;
  readonly missingBy: Readonly<Record<string, number>>;
  /** The win rate if all missing pairs were lost, or won; null where none is missing. */
  readonly bounds: { readonly low: number; readonly high: number } | null;
  /** Two-sided, sign-flip permutation; `pHolm` is adjusted over the arms; `signP` is the exact sign test. */
  readonly p: number;
  readonly pHolm: number;
  readonly signP: number;
  /** `exploratory`: the judge did not pass. `withheld`: too much is missing. */
  readonly verdict: 'better' | 'worse' | 'not distinguishable' | 'exploratory' | 'withheld';
  /** Least difference from 50 that so many rows show with a power of 80 %, in points. */
  readonly leastDifference: number;
  /** Share of pairs in which both orders agree, 0 to 1; null for a judge that has no orders. */
  readonly consistency: number | null;
  /** How much more often the first answer is chosen than the second, in points; null as above. */
  readonly position: number | null;
  readonly lengthControlled: LengthControlled | null;
  /** Mean length of the answers in characters (code points), and in tokens where known. */
  readonly averageLength: number;
  readonly bySet: Readonly<Record<string, Rate>>;
  readonly byBand: Readonly<Record<string, Rate>>;
}

/** The win rate at equal length. */
export interface LengthControlled {
  readonly winRate: number | null;
  readonly low: number | null;
  readonly high: number | null;
  readonly standardError: number | null;
  /** The smaller of the shares of rows in which either arm's answer is the longer, 0 to 1. */
  readonly overlap: number;
  readonly state: 'shown' | 'extrapolated' | 'none';
}
