import type { CellState } from '../state.js';
import type { Study } from '../study-record.js';
import { winRateValues } from '../win-rates.js';
import type { Results } from './results.js';
import { resultsOf } from './results-of.js';
import type { WinRateValues } from './values.js';

/** What {@link computeResults} is given besides the study. */
export interface ResultsOptions {
  /** States of the cells, in their order. */
  readonly states: readonly CellState[];
  /** Gives verdicts over the cells that are done although others are not settled. */
  readonly finish?: boolean;
  /** Win rates, where they are the metric [those of the study's evaluations]. */
  readonly winRates?: WinRateValues | undefined;
}

/**
 * The results of a study from the files of its cells: values, comparisons with verdicts once all cells are settled (or
 * with `finish`), components of variance, and what is missing. The same cells give the same results. Throws a data
 * error where the files of a done cell are not what its run recorded.
 *
 * @example
 * const study = await readStudy('studies/first');
 * const { comparisons } = await computeResults(study, { states: await cellStates(study) });
 * for (const { arm, verdict } of comparisons) console.log(arm, verdict);
 */
export async function computeResults(study: Study, options: ResultsOptions): Promise<Results> {
  const { winRates = await winRateValues(study, options.states), ...rest } = options;
  return resultsOf(study, { ...rest, winRates });
}
