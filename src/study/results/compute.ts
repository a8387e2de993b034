import { groupBy } from '../../core/lists.js';
import { blockOf, type Cell } from '../cell.js';
import type { CellState } from '../state.js';
import type { Study } from '../study-record.js';
import { type WinRateValues, winRateValues } from '../win-rates.js';
import { armsOf, componentsOf } from './arms.js';
import { type Compared, compareArms } from './compare.js';
import { comparisonOf, dataSetsOf } from './comparisons.js';
import { metricKey, metricName } from './figures.js';
import { measure } from './measure.js';
import { missingDiffers, missingOf } from './missing.js';
import type { About, Parts } from './parts.js';
import type { Results } from './results.js';
import { unitOf } from './units.js';
import { valuesOf } from './values.js';
import { warningsOf } from './warnings.js';

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
  const { states, finish = false, winRates = await winRateValues(study, states) } = options;
  const { analysis, hash } = study.record;
  const measured = await measure(study, states);
  const { values, reasons } = valuesOf(study, states, measured, winRates.values);
  const complete = states.every(({ state }) => state === 'done' || state === 'failed');
  const settled = complete || finish;
  const judged = settled && winRates.problems.length === 0;
  const compared = compareArms({ cells: study.cells, values, analysis, settled: judged });
  const about = aboutOf(study, compared, settled, winRates.problems);
  const parts: Parts = { study, measured, values, about };
  const arms = armsOf(parts);
  const missing = missingOf(study.cells, states, reasons);
  const differs = settled ? missingDiffers(study.cells, reasons) : null;
  const { unit: metricUnit, better, margin, alpha, control } = analysis;
  const warned = { arms, missing, missingDiffers: differs, settled, finished: finish && !complete };
  return {
    schema: 'phasetune/results',
    version: 1,
    study: hash,
    metric: { name: metricKey(study.record.study.metric), unit: metricUnit, better },
    margin,
    alpha,
    control,
    unit: about.unit,
    blocks: blocksOf(study.cells, values),
    complete,
    warnings: [...warningsOf(study, warned), ...(settled ? winRates.problems : [])],
    arms,
    comparisons: compared.map((one) => comparisonOf(one, parts)),
    dataSets: dataSetsOf(compared, about),
    components: componentsOf(parts),
    missing,
    missingDiffers: differs,
  };
}

function aboutOf(
  { record, cells }: Study,
  compared: readonly Compared[],
  settled: boolean,
  problems: readonly string[],
): About {
  const { unit: metricUnit, better, margin, alpha } = record.analysis;
  return {
    metric: metricName(metricKey(record.study.metric)),
    metricUnit,
    better,
    margin,
    alpha,
    unit: unitOf(cells),
    family: compared.filter(({ family }) => family).length,
    settled,
    problems,
  };
}

function blocksOf(cells: readonly Cell[], values: ReadonlyMap<string, number>): Results['blocks'] {
  const blocks = [...groupBy(cells, blockOf).values()];
  return { planned: blocks.length, complete: blocks.filter((block) => block.every(({ id }) => values.has(id))).length };
}
