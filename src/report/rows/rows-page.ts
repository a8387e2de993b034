import { histogramOf } from '../../curriculum/histogram.js';
import { describeReport } from '../../data/encode-rows.js';
import { drawHistogram } from '../../plots/histogram.js';
import { packingPlot } from '../../plots/packing-plot.js';
import { formatCount, formatCounted } from '../../telemetry/format.js';
import type { Figure, Page, PageBlock, PageCell, Section } from '../page.js';
import { paragraph, tableOf } from '../page-blocks.js';
import { histogramTable } from '../parts/histogram.js';
import { cell, folderName } from '../parts/shown.js';
import type { RowsReport, ShownRow, ShownStage } from './rows-report.js';

/**
 * The page of rows as the trainer sees them: their tokens with those that are trained marked, what was cut or dropped,
 * and which rows share a line. It has the texts of rows.
 *
 * @example
 * const { title, sections } = rowsPage(await rowsReport(input));
 * console.log(title, sections.map(({ id }) => id));
 */
export function rowsPage(report: RowsReport): Page {
  const { data, model, report: encoded } = report;
  return {
    title: `Rows: ${folderName(data)}`,
    subtitle: `${formatCounted(encoded.kept, 'row')} as the trainer sees them, with the tokenizer of ${model}`,
    sections: [
      countSection(report),
      ...rowSections(report),
      ...droppedSection(report),
      stageSection(report),
      methodSection(report),
    ],
  };
}

function countSection({ report, encoding, lengths }: RowsReport): Section {
  return {
    id: 'rows',
    title: 'All rows',
    blocks: [
      { kind: 'list', items: describeReport(report, encoding) },
      { kind: 'figure', figure: lengthFigure(lengths) },
      ...(lengths.some(({ stage }) => stage !== undefined)
        ? [paragraph('Held-out rows are not among these: they are measured, and never trained.')]
        : []),
    ],
  };
}

function lengthFigure(lengths: RowsReport['lengths']): Figure {
  const values = Float64Array.from(lengths, ({ tokens }) => tokens);
  const stages = [...new Set(lengths.map(({ stage }) => stage))].sort((x, y) => (x ?? 0) - (y ?? 0));
  const stageOf = Uint8Array.from(lengths, ({ stage }) => stages.indexOf(stage));
  const order = Uint32Array.from(values.keys()).sort((x, y) => values[x]! - values[y]!);
  const histogram = histogramOf(values, stageOf, order, stages.length);
  const names = stages.map((stage) => (stage === undefined ? 'all rows' : `stage ${stage}`));
  return {
    id: 'lengths',
    caption: 'Rows by their length in tokens, after cutting.',
    svg: drawHistogram({
      ...histogram,
      cuts: [],
      measure: 'length in tokens',
      stages: names.map((name, i) => `${name}: ${formatCount(stageOf.filter((stage) => stage === i).length)} rows`),
    }),
    table: histogramTable(histogram, names),
    left: 2,
  };
}

const LEGEND: PageBlock = {
  kind: 'passages',
  heading: 'How the tokens are marked',
  passages: [
    { text: 'trained', mark: 'trained' },
    { text: '   ', mark: 'context' },
    { text: 'only read', mark: 'context' },
    { text: '   ', mark: 'context' },
    { text: 'control token', mark: 'special' },
    { text: '   ', mark: 'context' },
    { text: 'trained control token', mark: 'trained-special' },
  ],
};

function rowSections({ shown }: RowsReport): Section[] {
  if (shown.length === 0) return [];
  const stages = [...new Set(shown.map(({ stage }) => stage))];
  return stages.map((stage, i) => ({
    id: stage === undefined ? 'tokens' : `tokens-of-stage-${stage}`,
    title: stage === undefined ? 'Tokens' : `Tokens: stage ${stage}`,
    blocks: [
      ...(i === 0
        ? [
            LEGEND,
            paragraph(
              'A model learns to predict the trained tokens from everything before them. Thin lines stand between tokens; a number in angle brackets is a token that is only a part of a character.',
            ),
          ]
        : []),
      ...shown.filter((row) => row.stage === stage).map(rowBlock),
    ],
  }));
}

function rowBlock({ id, score, tokens, trained, notes, passages }: ShownRow): PageBlock {
  const parts = [
    `row ${id}`,
    ...(score === undefined ? [] : [`score ${score}`]),
    formatCounted(tokens, 'token'),
    `${formatCount(trained)} trained`,
    ...notes,
  ];
  return { kind: 'passages', heading: parts.join(', '), passages };
}

/** Rows of a table that is not to be endless. */
const LISTED = 200;

/** From so many rows on the table is folded away. */
const FOLDED = 20;

function droppedSection({ dropped }: RowsReport): Section[] {
  if (dropped.length === 0) return [];
  const staged = dropped.some(({ stage }) => stage !== undefined);
  const rows = dropped
    .slice(0, LISTED)
    .map(({ id, stage, reason }): PageCell[] => [
      id,
      ...(staged ? [cell(stage === undefined ? '-' : String(stage), stage)] : []),
      reason,
    ]);
  const head = ['row', ...(staged ? ['stage'] : []), 'why'];
  const table: PageBlock = { kind: 'table', rows: [head, ...rows], left: head.length, sortable: true };
  const left = dropped.length - rows.length;
  return [
    {
      id: 'dropped',
      title: `Rows that are not trained: ${formatCount(dropped.length)}`,
      blocks: [
        dropped.length <= FOLDED
          ? table
          : {
              kind: 'details',
              summary: left > 0 ? `The first ${formatCount(rows.length)} of them` : 'All of them',
              blocks: [table],
            },
      ],
    },
  ];
}

const share = (part: number, whole: number): string => `${((100 * part) / whole).toFixed(1)} %`;

function stageSection({ stages }: RowsReport): Section {
  const rows = stages.map(({ name, rows, tokens, trained, longest, steps, padded, visited }) => [
    name,
    formatCount(rows),
    formatCount(tokens),
    formatCount(trained),
    formatCount(longest),
    formatCount(steps),
    share(padded - visited, padded),
  ]);
  const head = ['stage', 'rows', 'tokens', 'trained tokens', 'longest row', 'steps', 'padding'];
  return {
    id: 'packing',
    title: 'Stages and lines',
    blocks: [
      tableOf([head, ...rows]),
      paragraph(
        'Padding is the share of positions that the model computes for nothing. The pictures show the first steps of each stage, with a bar for each line.',
      ),
      { kind: 'panels', figures: stages.map(packingFigure) },
    ],
  };
}

function packingFigure({ name, batches, steps }: ShownStage, index: number): Figure {
  const shown = new Set(batches.map((batch) => batch.name.split(',')[0])).size;
  const rows = batches.flatMap((batch) =>
    batch.lines.map((line, i): PageCell[] => {
      const tokens = line.reduce((sum, { runs }) => runs.reduce((n, run) => n + run.tokens, sum), 0);
      return [
        batch.name,
        String(i + 1),
        line.map((row) => row.name).join(', ') || '-',
        { text: formatCount(batch.length), value: batch.length },
        { text: formatCount(tokens), value: tokens },
        { text: formatCount(batch.length - tokens), value: batch.length - tokens },
      ];
    }),
  );
  const what = `the first ${shown === 1 ? 'step' : `${shown} steps`} of ${formatCount(steps)}`;
  return {
    id: `lines-${index + 1}`,
    caption: `${name}: which rows share a line in ${what}.`,
    svg: packingPlot({ title: 'Rows and lines', subtitle: name, batches }),
    table: [['step', 'line', 'rows', 'length', 'tokens', 'padding'], ...rows],
    left: 3,
  };
}

function methodSection({ model, encoding, batching }: RowsReport): Section {
  const { order, smoothness, within, replay, seed, epochs } = batching;
  const {
    batching: lines,
    batchRows,
    accumulate,
    microBatches,
    packLength,
    padTo,
    maxShapes,
    shuffle,
    window,
  } = batching;
  const settings: Readonly<Record<string, unknown>> = {
    model,
    ...encoding,
    ...{ order, smoothness, within, replay, seed, epochs: epochs ?? 3 },
    ...{ batching: lines, batchRows, accumulate, microBatches, packLength, padTo, maxShapes, shuffle, window },
  };
  return {
    id: 'method',
    title: 'With these options',
    blocks: [
      {
        kind: 'facts',
        facts: Object.entries(settings)
          .filter(([, value]) => value !== undefined)
          .map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : String(value)]),
      },
      paragraph(
        'A run with these options over the same rows has these tokens and these lines, unless it chooses fewer shapes of lines (`maxShapes`), as it does on a card.',
      ),
    ],
  };
}
