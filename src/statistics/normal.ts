const ROOT_TWO_PI = Math.sqrt(2 * Math.PI);

/** Where the tail is computed as a fraction, not as the difference from one half. */
const TAIL = 2;

/**
 * Probability that a standard normal variable is at most `z`, with a relative error of about 1e-14 in both tails. NaN
 * for NaN. The sum is that of Marsaglia (2004), whose terms are all positive; in the tails it is Laplace's continued
 * fraction.
 *
 * @example
 * console.log(normalCdf(1.96).toFixed(4)); // 0.9750
 */
export function normalCdf(z: number): number {
  if (Number.isNaN(z)) return Number.NaN;
  if (z > TAIL) return 1 - normalTail(z);
  if (z < -TAIL) return normalTail(-z);
  let [sum, term] = [z, z];
  for (let i = 3; Math.abs(term) > 1e-18; i += 2) {
    term *= (z * z) / i;
    sum += term;
  }
  return 0.5 + (sum * Math.exp((-z * z) / 2)) / ROOT_TWO_PI;
}

/** Probability of more than z, which is above {@link TAIL}. */
function normalTail(z: number): number {
  if (z > 40) return 0;
  let fraction = z;
  for (let i = 200; i > 0; i--) fraction = z + i / fraction;
  return Math.exp((-z * z) / 2) / ROOT_TWO_PI / fraction;
}

/** Coefficients of AS 241 (PPND16): numerator and denominator around the middle, in the tails and far out. */
const CENTRE = [
  [
    3.3871328727963665, 133.14166789178438, 1971.5909503065513, 13731.69376550946, 45921.95393154987, 67265.7709270087,
    33430.57558358813, 2509.0809287301227,
  ],
  [
    1, 42.31333070160091, 687.1870074920579, 5394.196021424751, 21213.794301586597, 39307.89580009271,
    28729.085735721943, 5226.495278852854,
  ],
] as const;
const TAILS = [
  [
    1.4234371107496835, 4.630337846156546, 5.769497221460691, 3.6478483247632045, 1.2704582524523684,
    0.2417807251774506, 0.022723844989269184, 0.0007745450142783414,
  ],
  [
    1, 2.053191626637759, 1.6763848301838038, 0.6897673349851, 0.14810397642748008, 0.015198666563616457,
    0.0005475938084995345, 1.0507500716444169e-9,
  ],
] as const;
const FAR = [
  [
    6.657904643501103, 5.463784911164114, 1.7848265399172913, 0.29656057182850487, 0.026532189526576124,
    0.0012426609473880784, 2.7115555687434876e-5, 2.0103343992922881e-7,
  ],
  [
    1, 0.599832206555888, 0.1369298809227358, 0.014875361290850615, 0.0007868691311456133, 1.8463183175100548e-5,
    1.421511758316446e-7, 2.0442631033899397e-15,
  ],
] as const;

const polynomial = (coefficients: readonly number[], x: number) =>
  coefficients.reduceRight((sum, coefficient) => sum * x + coefficient, 0);

const ratio = ([above, below]: readonly [readonly number[], readonly number[]], x: number) =>
  polynomial(above, x) / polynomial(below, x);

/**
 * The number that a standard normal variable stays below with probability `p`: Wichura's AS 241 (1988), accurate to
 * about 1e-15. -Infinity for 0, Infinity for 1; throws a RangeError for what is not a probability.
 *
 * @example
 * console.log(normalQuantile(0.975).toFixed(3)); // 1.960
 */
export function normalQuantile(p: number): number {
  if (!(p >= 0 && p <= 1)) throw new RangeError(`expected a probability, got ${p}`);
  if (p === 0 || p === 1) return p === 0 ? -Infinity : Infinity;
  const centred = p - 0.5;
  if (Math.abs(centred) <= 0.425) return centred * ratio(CENTRE, 0.180625 - centred * centred);
  const r = Math.sqrt(-Math.log(Math.min(p, 1 - p)));
  return Math.sign(centred) * (r <= 5 ? ratio(TAILS, r - 1.6) : ratio(FAR, r - 5));
}
