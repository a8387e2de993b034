import { type Curve, maximize } from './newton.js';

/** What is explained, and by what. */
export interface LogisticData {
  /** From 0 to 1; fractions are allowed. */
  readonly targets: Float64Array;
  /** At most three. A constant has to be one of them, if there is to be one. */
  readonly columns: readonly Float64Array[];
  /** For each column the penalty r of ½ r β². */
  readonly ridge: readonly number[];
}

/** Fits rows that count as often as `weights` says, from `start` [0]. */
export type LogisticFit = (weights: ArrayLike<number>, start?: Float64Array) => Float64Array | undefined;

/**
 * Logistic regression with fractional targets, for many resamples of the same rows: a function that gives the
 * coefficients, the maximum of Σ w [x η - ln(1 + e^η)] - ½ Σ r β². Undefined if there is none, as for separable rows
 * without a penalty, or if Newton's method does not reach it.
 */
export function logisticFit(data: LogisticData): LogisticFit {
  const { columns, targets, ridge } = data;
  if (columns.length > MOST_COLUMNS) throw new RangeError(`expected at most three columns, got ${columns.length}`);
  const [first, second, third, kept, counts] = Array.from({ length: 5 }, () => new Float64Array(targets.length));
  const rows = { first: first!, second: second!, third: third!, targets: kept!, weights: counts! };
  const sinks = [first!, second!, third!].slice(0, columns.length);
  return (weights, start = new Float64Array(columns.length)) => {
    let n = 0;
    for (let i = 0; i < targets.length; i++) {
      if (weights[i] === 0) continue;
      for (let k = 0; k < sinks.length; k++) sinks[k]![n] = columns[k]![i]!;
      kept![n] = targets[i]!;
      counts![n++] = weights[i]!;
    }
    return maximize((beta) => likelihood(rows, n, ridge, beta), start);
  };
}

const MOST_COLUMNS = 3;

/** Rows that count; columns that are absent are zeros. */
interface Rows {
  readonly first: Float64Array;
  readonly second: Float64Array;
  readonly third: Float64Array;
  readonly targets: Float64Array;
  readonly weights: Float64Array;
}

/** Written out for three columns: sums in local variables take half the time of sums in arrays. */
function likelihood(rows: Rows, n: number, ridge: readonly number[], beta: Float64Array): Curve {
  const { first, second, third, targets, weights } = rows;
  const [b0, b1, b2] = [beta[0]!, beta[1] ?? 0, beta[2] ?? 0];
  let [value, g0, g1, g2, h00, h01, h02, h11, h12, h22] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
  for (let i = 0; i < n; i++) {
    const x0 = first[i]!;
    const x1 = second[i]!;
    const x2 = third[i]!;
    const weight = weights[i]!;
    const eta = b0 * x0 + b1 * x1 + b2 * x2;
    const tail = Math.exp(-Math.abs(eta));
    const p = (eta > 0 ? 1 : tail) / (1 + tail);
    value += weight * (targets[i]! * eta - Math.max(eta, 0) - Math.log(1 + tail));
    const rest = weight * (targets[i]! - p);
    const spread = weight * p * (1 - p);
    g0 += rest * x0;
    g1 += rest * x1;
    g2 += rest * x2;
    h00 += spread * x0 * x0;
    h01 += spread * x0 * x1;
    h02 += spread * x0 * x2;
    h11 += spread * x1 * x1;
    h12 += spread * x1 * x2;
    h22 += spread * x2 * x2;
  }
  const square = [h00, h01, h02, h01, h11, h12, h02, h12, h22];
  return penalized(value, [g0, g1, g2], square, ridge, beta);
}

function penalized(
  value: number,
  slopes: readonly number[],
  square: readonly number[],
  ridge: readonly number[],
  beta: Float64Array,
): Curve {
  const width = beta.length;
  const curvature = new Float64Array(width * width);
  let penalty = 0;
  for (let k = 0; k < width; k++) {
    penalty += (ridge[k]! * beta[k]! ** 2) / 2;
    for (let l = 0; l < width; l++) curvature[k * width + l] = square[3 * k + l]! + (k === l ? ridge[k]! : 0);
  }
  const gradient = Float64Array.from(beta, (b, k) => slopes[k]! - ridge[k]! * b);
  return { value: value - penalty, gradient, curvature };
}

/** The logistic function. */
export const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
