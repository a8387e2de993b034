import { groupBy } from '../../core/lists.js';
import { blockOf, type Cell } from '../cell.js';
import type { CellState } from '../state.js';
import type { Study } from '../study-record.js';
import { armsOf, componentsOf } from './arms.js';
import { type Compared, compareArms } from './compare.js';
import { comparisonOf, dataSetsOf } from './comparisons.js';
import { metricKey, metricName } from './figures.js';
import { measure } from './measure.js';
import { missingDiffers, missingOf } from './missing.js';
import type { About, Parts } from './parts.js';
import type { Results } from './results.js';
import { unitOf } from './units.js';
import { valuesOf, type WinRateValues } from './values.js';
import { warningsOf } from './warnings.js';

/** What {@link resultsOf} is given besides the study. */
export interface KnownOfCells {
  /** States of the cells, in their order. */
  readonly states: readonly CellState[];
  /** Gives verdicts over the cells that are done although others are not settled. */
  readonly finish?: boolean;
  /** Win rates, where they are the metric. */
  readonly winRates: WinRateValues;
}

/**
 * The results of a study from the files of its cells and, where these are the metric, from win rates. Loads no
 * TensorFlow. Throws as `computeResults` does.
 */
export async function resultsOf(study: Study, { states, finish = false, winRates }: KnownOfCells): Promise<Results> {
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
  const warned = { measured, arms, missing, missingDiffers: differs, settled, finished: finish && !complete };
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
