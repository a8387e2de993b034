/** A concave function near a point. */
export interface Curve {
  readonly value: number;
  readonly gradient: Float64Array;
  /** The second derivatives with the sign changed, row by row. */
  readonly curvature: Float64Array;
}

/** Largest derivative, and largest last step, at a maximum. */
const GRADIENT = 1e-8;
const STEP = 1e-6;
const MOST_STEPS = 50;
const MOST_HALVINGS = 30;

/**
 * The maximum of a concave function, by Newton's method with step halving. Undefined unless the derivatives are at most
 * 1e-8 *and* the point has stopped moving within 50 steps: where data are separable the derivatives vanish while the
 * point runs to infinity, and there is no maximum.
 */
export function maximize(at: (point: Float64Array) => Curve, start: Float64Array): Float64Array | undefined {
  let point = Float64Array.from(start);
  let here = at(point);
  for (let i = 0; i < MOST_STEPS; i++) {
    const step = solve(here.curvature, here.gradient);
    if (!step) return undefined;
    if (largest(here.gradient) <= GRADIENT && largest(step) <= STEP) return point;
    const next = climb(at, point, here.value, step);
    if (!next) return undefined;
    [point, here] = [next.point, next.curve];
  }
  return undefined;
}

/** The step, halved until the function does not fall. */
function climb(at: (point: Float64Array) => Curve, from: Float64Array, value: number, step: Float64Array) {
  // A fall by rounding is none.
  const least = value - 1e-12 * (1 + Math.abs(value));
  for (let [i, share] = [0, 1]; i < MOST_HALVINGS; i++, share /= 2) {
    const point = from.map((x, k) => x + share * step[k]!);
    const curve = at(point);
    if (curve.value >= least) return { point, curve };
  }
  return undefined;
}

const largest = (values: Float64Array) => values.reduce((most, one) => Math.max(most, Math.abs(one)), 0);

/** Solves `matrix` x = `right` by Cholesky's decomposition; undefined unless the matrix is positive definite. */
function solve(matrix: Float64Array, right: Float64Array): Float64Array | undefined {
  const n = right.length;
  const root = new Float64Array(n * n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j <= i; j++) {
      let sum = matrix[i * n + j]!;
      for (let k = 0; k < j; k++) sum -= root[i * n + k]! * root[j * n + k]!;
      if (i !== j) root[i * n + j] = sum / root[j * n + j]!;
      else if (sum > 1e-14 * matrix[i * n + i]!) root[i * n + i] = Math.sqrt(sum);
      else return undefined;
    }
  const x = Float64Array.from(right);
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < i; k++) x[i]! -= root[i * n + k]! * x[k]!;
    x[i]! /= root[i * n + i]!;
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++) x[i]! -= root[k * n + i]! * x[k]!;
    x[i]! /= root[i * n + i]!;
  }
  return x;
}
