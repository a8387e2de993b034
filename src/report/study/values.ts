import { groupOf } from '../../study/cell.js';
import type { PageCell, Section } from '../page.js';
import { fullColumns } from '../parts/columns.js';
import { brief, numberCell } from '../parts/shown.js';
import { studyCurves } from './loss-section.js';
import type { StudyReport } from './read-study-report.js';

/** Every value of a study's page as data. */
export function studyValues(report: StudyReport): Readonly<Record<string, unknown>> {
  const { record, cells, results, final } = report;
  return {
    schema: 'phasetune/study-page',
    version: 1,
    final,
    study: record,
    results,
    cells: cells.map(({ cell, state, attempts, run, spikes, heldOut }) => ({
      id: cell.id,
      ...state,
      attempts,
      resumed: run?.resumed ?? [],
      seconds: run?.seconds ?? null,
      spikes: spikes.map(({ stage, step, action, loss }) => ({ stage, step, action, loss })),
      heldOut: heldOut.map(({ stage, trainedTokens, all, losses }) => ({ stage, trainedTokens, all, losses })),
    })),
    curves: studyCurves(report).flatMap(({ id, group, arms }) =>
      arms.map(({ arm, runs, points }) => ({
        of: id,
        arm,
        axes: group,
        runs,
        trainedTokens: points.map(({ trainedTokens }) => Math.round(trainedTokens)),
        mean: points.map(({ mean }) => brief(mean)),
        low: points.map(({ low }) => (low === null ? null : brief(low))),
        high: points.map(({ high }) => (high === null ? null : brief(high))),
      })),
    ),
  };
}

/** The value of every cell. */
export function studyValuesSection({ folder, results }: StudyReport): Section {
  const rows = results.arms.flatMap(({ arm, axes, values }) =>
    values.map(({ cell, seed, split, value }): PageCell[] => [
      cell,
      arm,
      groupOf({ axes }),
      String(seed),
      String(split),
      numberCell(value, 7),
    ]),
  );
  return {
    id: 'values',
    title: 'All values',
    blocks: [
      {
        kind: 'details',
        summary: `The value of every cell (${rows.length})`,
        blocks: [
          fullColumns({
            left: 3,
            sortable: true,
            rows: [['cell', 'arm', 'axes', 'seed', 'split', `value, ${results.metric.unit}`], ...rows],
          }),
        ],
      },
      {
        kind: 'paragraph',
        text: `All values of this page are in it as JSON, in the element with the id page-data. They come from study.json, cells.jsonl, results.json and the runs in ${folder}.`,
      },
    ],
  };
}
