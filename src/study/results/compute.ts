import { groupBy } from '../../core/lists.js';
import { mean, standardDeviation } from '../../statistics/moments.js';
import { leastDifferenceT, seedsForDifference } from '../../statistics/t-power.js';
import { tTest } from '../../statistics/t-test.js';
import { twoWay } from '../../statistics/two-way.js';
import { blockOf, type Cell, groupOf } from '../cell.js';
import type { CellState } from '../state.js';
import type { Study } from '../study-record.js';
import { type Compared, compareArms } from './compare.js';
import { metricName } from './figures.js';
import { type Measured, type Measurements, measure } from './measure.js';
import { missingDiffers, missingOf } from './missing.js';
import type { Results } from './results.js';
import { type About, notesOf, sentenceOf } from './sentences.js';
import { type BlockNumber, differencesOf, type Unit, unitMeans, unitOf } from './units.js';
import { valuesOf } from './values.js';
import { warningsOf } from './warnings.js';

/** Power that the reach of a study is said for. */
const POWER = 0.8;

/** What {@link computeResults} is given besides the study. */
export interface ResultsOptions {
  /** States of the cells, in their order. */
  readonly states: readonly CellState[];
  /** Gives verdicts over the cells that are done although others are not settled. */
  readonly finish?: boolean;
  /** By cell, where win rates are the metric. */
  readonly winRates?: ReadonlyMap<string, number> | undefined;
}

/** All that the parts of the results are made from. */
interface Parts {
  readonly study: Study;
  readonly measured: Measurements;
  readonly values: ReadonlyMap<string, number>;
  readonly unit: Unit;
  readonly about: About;
}

/**
 * The results of a study from the files of its cells: values, comparisons with verdicts once all cells are settled (or
 * with `finish`), components of variance, and what is missing. The same cells give the same results.
 */
export async function computeResults(
  study: Study,
  { states, finish = false, winRates }: ResultsOptions,
): Promise<Results> {
  const { analysis, hash } = study.record;
  const measured = await measure(study, states);
  const { values, reasons } = valuesOf(study, states, measured, winRates);
  const all = states.every(({ state }) => state === 'done' || state === 'failed');
  const settled = all || finish;
  const unit = unitOf(study.cells);
  const compared = compareArms({ cells: study.cells, values, analysis, settled });
  const about = aboutOf(study, unit, settled, compared.filter(({ family }) => family).length);
  const parts: Parts = { study, measured, values, unit, about };
  const arms = armsOf(parts);
  const missing = missingOf(study.cells, states, reasons);
  const differs = settled ? missingDiffers(study.cells, reasons) : null;
  const { metric, unit: metricUnit, better } = analysis;
  return {
    schema: 'phasetune/results',
    version: 1,
    study: hash,
    metric: { name: metric, unit: metricUnit, better },
    margin: analysis.margin,
    alpha: analysis.alpha,
    control: analysis.control,
    unit,
    blocks: blocksOf(study.cells, values),
    complete: all,
    warnings: warningsOf(study, { arms, missing, missingDiffers: differs, settled, finished: finish && !all }),
    arms,
    comparisons: compared.map((one) => comparisonOf(one, parts)),
    components: componentsOf(parts),
    missing,
    missingDiffers: differs,
  };
}

function aboutOf({ record }: Study, unit: Unit, settled: boolean, family: number): About {
  const { unit: metricUnit, better, margin, alpha } = record.analysis;
  return { metric: metricName(record.study.metric), metricUnit, better, margin, alpha, unit, family, settled };
}

function blocksOf(cells: readonly Cell[], values: ReadonlyMap<string, number>): Results['blocks'] {
  const blocks = [...groupBy(cells, blockOf).values()];
  return { planned: blocks.length, complete: blocks.filter((block) => block.every(({ id }) => values.has(id))).length };
}

const number = (value: number): number | null => (Number.isFinite(value) ? value : null);

/** Arms of every group, in the order of the cells. */
const byArm = (cells: readonly Cell[]): Cell[][] => [
  ...groupBy(cells, (cell) => JSON.stringify([groupOf(cell), cell.arm])).values(),
];

function armsOf({ study, measured, values, unit, about }: Parts): Results['arms'] {
  const byId = new Map(measured.cells.map((one) => [one.cell.id, one]));
  return byArm(study.cells).map((cells) => {
    const counted = cells.flatMap(({ id, seed, split }) =>
      values.has(id) ? [{ cell: id, seed, split, value: values.get(id)! }] : [],
    );
    const means = unitMeans(counted, unit);
    const test = tTest(means, 1 - about.alpha);
    const done = counted.map(({ cell }) => byId.get(cell)!);
    return {
      arm: cells[0]!.arm,
      axes: cells[0]!.axes,
      n: counted.length,
      planned: cells.length,
      mean: number(test.mean),
      sd: number(standardDeviation(means)),
      interval: means.length < 2 ? null : { low: test.low, high: test.high },
      values: counted,
      trainedTokens: number(mean(done.map(({ trainedTokens }) => trainedTokens))),
      matrix: meanMatrix(done),
    };
  });
}

/** Means over the cells; where one of them has no matrix, there is none. */
function meanMatrix(cells: readonly Measured[]): Results['arms'][number]['matrix'] {
  const least = Math.min(...cells.map(({ matrix }) => matrix.length));
  return Array.from({ length: cells.length === 0 ? 0 : least }, (_, i) => {
    const rows = cells.map(({ matrix }) => matrix[i]!);
    return {
      after: rows[0]!.after,
      losses: rows[0]!.losses.map((_, band) => number(mean(rows.map(({ losses }) => losses[band]!)))),
      all: number(mean(rows.map(({ all }) => all))),
    };
  });
}

function comparisonOf(one: Compared, parts: Parts): Results['comparisons'][number] {
  const { incomplete: _, signFlipHolm: __, differences: ___, ...figures } = one;
  const power = powerOf(one, parts.about);
  return {
    ...figures,
    sentence: sentenceOf(one, power, parts.about),
    notes: notesOf(one, parts.about),
    rows: null,
    bands: bandsOf(one, parts),
    power,
  };
}

/** What a study of this size and variance finds, at the level of the first step of Holm's adjustment. */
function powerOf(
  { units: n, sd }: Compared,
  { alpha, family, margin }: About,
): Results['comparisons'][number]['power'] {
  const level = alpha / Math.max(1, family);
  if (sd === null) return { leastDifference: null, seedsForMargin: null };
  const seeds = margin === null ? null : seedsForDifference({ difference: margin, sd, alpha: level, power: POWER });
  return {
    leastDifference: number(leastDifferenceT({ n, sd, alpha: level, power: POWER })),
    seedsForMargin: seeds === null ? null : number(seeds),
  };
}

/** Differences by band of the study's own cut. */
function bandsOf(one: Compared, { study, measured, unit, about }: Parts): Results['comparisons'][number]['bands'] {
  const group = groupOf(one);
  const cells = study.cells.filter((cell) => groupOf(cell) === group);
  const last = new Map(measured.cells.map(({ cell, matrix }) => [cell.id, matrix.at(-1)?.losses]));
  const control = new Map(
    cells.filter(({ arm }) => arm === one.control).map((cell) => [blockOf(cell), last.get(cell.id)]),
  );
  const own = cells.filter((cell) => cell.arm === one.arm && control.has(blockOf(cell)));
  return measured.bands(group).flatMap((band, i) => {
    const differences = own.flatMap((cell): BlockNumber[] => {
      const value = (last.get(cell.id)?.[i] ?? Number.NaN) - (control.get(blockOf(cell))?.[i] ?? Number.NaN);
      return Number.isFinite(value) ? [{ seed: cell.seed, split: cell.split, value }] : [];
    });
    const test = tTest(differencesOf(differences, own, unit), 1 - about.alpha);
    if (test.n === 0) return [];
    return [{ band, difference: test.mean, low: number(test.low), high: number(test.high) }];
  });
}

/** Components of variance of each group with two complete blocks and more. */
function componentsOf({ study, values }: Parts): Results['components'] {
  return [...groupBy(study.cells, groupOf).values()].flatMap((cells) => {
    const arms = [...new Set(cells.map(({ arm }) => arm))];
    const table = [...groupBy(cells, blockOf).values()].flatMap((block) => {
      const ofArm = new Map(block.map(({ arm, id }) => [arm, values.get(id)]));
      const row = arms.flatMap((arm) => ofArm.get(arm) ?? []);
      return row.length === arms.length ? [row] : [];
    });
    if (table.length < 2) return [];
    const { shares, pairing } = twoWay(table);
    return [
      {
        axes: cells[0]!.axes,
        blocks: table.length,
        arms: shares.arms,
        block: shares.blocks,
        rest: shares.rest,
        pairing,
        saved: Math.max(0, pairing),
      },
    ];
  });
}
