/**
 * phasetune/statistics: rank correlations, agreement of raters and bootstrap intervals: pure functions of numbers.
 *
 * @module statistics
 */

export { type BootstrapOptions, type Estimate, estimate, quantile, resamples } from '../statistics/bootstrap.js';
export { pearson, spearman } from '../statistics/correlation.js';
export { type Confusion, confusion, quadraticKappa } from '../statistics/kappa.js';
export {
  countPairs,
  kendallTauB,
  type OrderAgreement,
  orderAgreement,
  type PairCounts,
  type PairOrder,
  pairOrder,
} from '../statistics/pairs.js';
export { type Counts, type Ranked, rank } from '../statistics/ranks.js';
