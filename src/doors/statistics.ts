/**
 * phasetune/statistics: intervals and tests of win rates, agreement of judges and raters, calibration, rank
 * correlations, the bootstrap, and the power and components of variance of studies: pure functions of numbers.
 *
 * @module statistics
 */

export { binomialCdf, binomialInterval, signTest } from '../statistics/binomial.js';
export { type BootstrapOptions, type Estimate, estimate, quantile, resamples } from '../statistics/bootstrap.js';
export { auc, brier, calibrationError, fitTemperature, type Temperature } from '../statistics/calibration.js';
export { type Consistency, consistency, drawnPosition, positionLogOdds } from '../statistics/consistency.js';
export { pearson, spearman } from '../statistics/correlation.js';
export {
  type CrossedData,
  type CrossedInterval,
  type CrossedOptions,
  crossedBootstrap,
} from '../statistics/crossed-bootstrap.js';
export {
  type Davidson,
  type DavidsonEstimate,
  davidson,
  davidsonIntervals,
  type Games,
  type RowGames,
} from '../statistics/davidson.js';
export { fisherExact } from '../statistics/fisher.js';
export { holm } from '../statistics/holm.js';
export { interquartileMean, type TaskMean, taskMean } from '../statistics/interquartile-mean.js';
export { type Confusion, confusion, quadraticKappa } from '../statistics/kappa.js';
export {
  type LengthControl,
  type LengthControlData,
  type LengthControlOptions,
  lengthControl,
} from '../statistics/length-control.js';
export { covariance, mean, standardDeviation } from '../statistics/moments.js';
export { normalCdf, normalQuantile } from '../statistics/normal.js';
export {
  countPairs,
  kendallTauB,
  type OrderAgreement,
  orderAgreement,
  type PairCounts,
  type PairOrder,
  pairOrder,
} from '../statistics/pairs.js';
export { leastDifference, leastMean, type PowerOptions, rowsNeeded } from '../statistics/power.js';
export {
  type PredictionPowered,
  type PredictionPoweredData,
  predictionPowered,
} from '../statistics/prediction-powered.js';
export { type Counts, type Ranked, rank } from '../statistics/ranks.js';
export {
  type NestedResample,
  nestedResamples,
  type ResampleOptions,
  stratifiedResamples,
} from '../statistics/resample.js';
export { type SignFlipOptions, signFlip } from '../statistics/sign-flip.js';
export { studentCdf, studentQuantile } from '../statistics/student.js';
export {
  leastDifferenceT,
  leastMarginT,
  type PowerOfStudy,
  seedsForDifference,
  seedsForEquivalence,
  type TPowerOptions,
  tostPower,
  tPower,
} from '../statistics/t-power.js';
export { type MeanTest, tTest } from '../statistics/t-test.js';
export { type Equivalence, type EquivalenceOptions, tost } from '../statistics/tost.js';
export { type TwoWay, twoWay } from '../statistics/two-way.js';
export { wilsonInterval } from '../statistics/wilson.js';
export { type ArmScores, type WinRateInterval, type WinRateOptions, winRateIntervals } from '../statistics/win-rate.js';
