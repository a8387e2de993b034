import { type OptionValue, PROGRAM, type Vocabulary } from '../../core/remedies.js';
import { drawStages, formatScore, formatScores } from '../../curriculum/stage-picture.js';
import { stagingOptionsSchema } from '../../curriculum/staging-options.js';
import { importOptionsSchema } from '../../data/options.js';
import { drawHistogram } from '../../plots/histogram.js';
import { formatCount, formatCounted } from '../../telemetry/format.js';
import type { Figure, Page, PageBlock, PageCell, Section } from '../page.js';
import { paragraph, tableOf } from '../page-blocks.js';
import { commandText } from '../parts/command-text.js';
import { histogramTable } from '../parts/histogram.js';
import { folderName } from '../parts/shown.js';
import type { StagedReport } from './read-staged-report.js';

/**
 * The page of a staged folder: what is in each stage, how it was cut, and from what. It has numbers and names, and no
 * text of a row.
 *
 * @param vocabulary how the page writes the task that makes the set again.
 *
 * @example
 * const { title, sections } = stagedPage(await readStagedReport('staged'));
 * console.log(title, sections.map(({ id }) => id));
 */
export function stagedPage(report: StagedReport, vocabulary: Vocabulary = PROGRAM): Page {
  const { folder, manifest } = report;
  const { stages, input } = manifest;
  const rows = stages.reduce((sum, stage) => sum + stage.rows, 0);
  return {
    title: `Staged rows: ${folderName(folder)}`,
    subtitle: `${formatCounted(rows, 'row')} in ${stages.length} stages, ${formatCount(manifest.holdout.rows)} held out; made from ${input.file}`,
    sections: [
      stageSection(report),
      ...warningSections(report),
      scoreSection(report),
      lengthSection(report),
      ...sourceSections(report),
      duplicateSection(report),
      methodSection(report, vocabulary),
    ],
    data: { ...report },
  };
}

/** Lengths that are estimates say so. */
const about = ({ manifest }: StagedReport): string => (manifest.lengths.counted === 'estimate' ? '~' : '');

function stageSection(report: StagedReport): Section {
  const { manifest } = report;
  const { stages } = manifest;
  const total = (of: (stage: (typeof stages)[number]) => number) => stages.reduce((sum, stage) => sum + of(stage), 0);
  const near = about(report);
  const count = (value: number, mark = ''): PageCell => ({ text: `${mark}${formatCount(value)}`, value });
  const allTokens = total(({ tokens }) => tokens);
  const rows = stages.map(({ index, scores, rows, tokens, heldOut, lengths }): PageCell[] => [
    `stage ${index}`,
    formatScores(scores),
    { text: formatScore(scores.mean), value: scores.mean },
    count(rows),
    count(tokens, near),
    { text: `${((100 * tokens) / allTokens).toFixed(1)} %`, value: tokens / allTokens },
    count(lengths.median, near),
    count(lengths.p90, near),
    count(heldOut),
  ]);
  const sum: PageCell[] = [
    'all',
    '',
    '',
    count(total((stage) => stage.rows)),
    count(allTokens, near),
    '',
    '',
    '',
    count(total((stage) => stage.heldOut)),
  ];
  const head = [
    'stage',
    'scores',
    'mean score',
    'rows to train on',
    'their tokens',
    'share of tokens',
    'median of a row',
    '90 % of rows',
    'held-out rows',
  ];
  return {
    id: 'stages',
    title: 'Stages',
    blocks: [
      { kind: 'table', rows: [head, ...rows, sum], left: 2 },
      paragraph(
        manifest.lengths.counted === 'estimate'
          ? '~: tokens are estimated from characters. Stage 1 is the easiest. Held-out rows are never trained on.'
          : "Tokens are counted with the model's tokenizer. Stage 1 is the easiest. Held-out rows are never trained on.",
      ),
    ],
  };
}

const warningSections = ({ warnings }: StagedReport): Section[] =>
  warnings.length === 0
    ? []
    : [
        {
          id: 'warnings',
          title: 'Warnings',
          blocks: warnings.map((text): PageBlock => ({ kind: 'note', tone: 'warning', text })),
        },
      ];

const stageNames = ({ stages }: StagedReport['manifest']): string[] => stages.map(({ index }) => `stage ${index}`);

/** `1`, `1 and 2`, `1, 2 and 3`. */
const listed = (items: readonly string[]): string =>
  items.length < 2 ? items.join('') : `${items.slice(0, -1).join(', ')} and ${items.at(-1)}`;

function scoreSection({ manifest, scores }: StagedReport): Section {
  const { cuts, stages, options } = manifest;
  const at = listed(cuts.map(({ score }) => formatScore(score)));
  const figure: Figure = {
    id: 'scores',
    caption: `Rows by score, held-out ones among them; ${cuts.length === 1 ? 'the cut is' : 'the cuts are'} at ${at}.`,
    svg: drawStages({ histogram: scores, cuts, stages }),
    table: histogramTable(scores, stageNames(manifest)),
    left: 2,
  };
  const ties = cuts.map(({ score, tiedBelow, tiedAbove }, i) => [
    `between stages ${i + 1} and ${i + 2}`,
    formatScore(score),
    formatCount(tiedBelow),
    formatCount(tiedAbove),
  ]);
  return {
    id: 'scores-and-cuts',
    title: 'Scores and cuts',
    blocks: [
      { kind: 'figure', figure },
      tableOf([['cut', 'score', 'rows with it below', 'above'], ...ties]),
      paragraph(CUT_BY[options.by]),
    ],
  };
}

/** What each way to cut is, for people. */
const CUT_BY: Readonly<Record<StagedReport['manifest']['options']['by'], string>> = {
  thresholds: 'Cut at given scores; a row with exactly such a score is in the stage above.',
  rows: 'Cut so that the stages have equally many rows.',
  tokens: 'Cut so that the stages have equally many tokens.',
  jenks: 'Cut at natural breaks of the scores (Jenks).',
  length: 'Cut where the stages differ least in the length of their rows.',
};

function lengthSection(report: StagedReport): Section {
  const { manifest, lengths, quantiles } = report;
  const table = quantiles.map(({ p10, q1, median, q3, p90, longest }, i) => [
    `stage ${i + 1}`,
    ...[p10, q1, median, q3, p90, longest].map(formatCount),
  ]);
  const { spearman, etaSquared } = manifest.length;
  const figure: Figure = {
    id: 'lengths',
    caption: 'Rows by length in tokens, estimated from characters, held-out ones among them.',
    svg: drawHistogram({
      ...lengths,
      measure: 'length in tokens',
      cuts: [],
      stages: quantiles.map(({ median }, i) => `stage ${i + 1}: median ${formatCount(median)} tokens`),
    }),
    table: histogramTable(lengths, stageNames(manifest)),
    left: 2,
  };
  const follows =
    spearman === undefined
      ? ''
      : `Score and length go together with a Spearman correlation of ${spearman.toFixed(2)}. `;
  return {
    id: 'lengths-by-stage',
    title: 'Lengths by stage',
    blocks: [
      { kind: 'figure', figure },
      tableOf(
        [['stage', '10 %', '25 %', 'median', '75 %', '90 %', 'longest'], ...table],
        1,
        'Rows to train on by length in tokens, estimated from characters',
      ),
      paragraph(
        `${follows}The stages explain ${(100 * etaSquared).toFixed(1)} % of the variance of log length: the nearer to 0, the less a cut by difficulty is a cut by length.`,
      ),
    ],
  };
}

function sourceSections({ sources, manifest }: StagedReport): Section[] {
  if (sources.length === 0) return [];
  const head = ['source', ...manifest.stages.map(({ index }) => `stage ${index}`), 'held out'];
  const rows = sources.map(({ name, stages, heldOut }) => [
    name ?? 'not named',
    ...[...stages, heldOut].map((n) => formatCount(n)),
  ]);
  return [
    {
      id: 'sources',
      title: 'Sources',
      blocks: [tableOf([head, ...rows]), paragraph('What the rows say under `meta.source`.')],
    },
  ];
}

function duplicateSection({ manifest }: StagedReport): Section {
  const { duplicates, options, holdoutFrom } = manifest;
  const { exact, near, clusters, largest, uncompared } = duplicates;
  const compared = options.nearDuplicates > 0;
  return {
    id: 'duplicates',
    title: 'Duplicates and held-out rows',
    blocks: [
      {
        kind: 'facts',
        facts: [
          ['rows whose instruction another row has', formatCount(exact)],
          ['near-duplicates', compared ? formatCount(near) : 'not looked for'],
          ['groups of such rows', formatCount(clusters)],
          ['rows of the largest group', clusters === 0 ? '-' : formatCount(largest)],
          ...(uncompared > 0 ? [['comparisons left out', formatCount(uncompared)] as const] : []),
        ],
      },
      ...(holdoutFrom
        ? [
            paragraph(
              `The held-out rows are the ${formatCount(holdoutFrom.rows)} of ${holdoutFrom.file}, whatever the cut; ${formatCounted(holdoutFrom.leftOut, 'other row')} equal to them, or nearly so, ${holdoutFrom.leftOut === 1 ? 'was' : 'were'} left out.`,
            ),
          ]
        : []),
      paragraph(
        'A group is on one side: all of its rows are trained on, or all are held out, so that no held-out row is a copy of a trained one.',
      ),
    ],
  };
}

function methodSection(report: StagedReport, vocabulary: Vocabulary): Section {
  const { manifest } = report;
  const { input, holdoutFrom, lengths, stages, holdout } = manifest;
  const files = [...stages, holdout].map(({ file, rows, sha256 }) => [file, formatCount(rows), sha256]);
  const given = holdoutFrom ? [[holdoutFrom.file, formatCount(holdoutFrom.rows), holdoutFrom.sha256]] : [];
  const tokenizer = Object.entries(lengths.tokenizer ?? {}).map(([file, sha256]) => [file, '', sha256]);
  const redo = commandText(vocabulary.task('stage', redoOptions(report)));
  const model = lengths.counted === 'tokenizer' ? ' MODEL is the folder whose tokenizer has the hashes above.' : '';
  return {
    id: 'method',
    title: 'How it was made',
    blocks: [
      {
        kind: 'facts',
        facts: Object.entries({ ...manifest.options, lengths: lengths.counted }).map(([name, value]) => [
          name,
          Array.isArray(value) ? value.join(', ') : String(value),
        ]),
      },
      tableRowsWithHashes('Made from', [[input.file, formatCount(input.rows), input.sha256], ...given, ...tokenizer]),
      tableRowsWithHashes('Files of the folder', files),
      paragraph(`The same files give the same bytes again:${model}`),
      { kind: 'code', text: redo },
    ],
  };
}

const tableRowsWithHashes = (caption: string, rows: readonly (readonly string[])[]): PageBlock => ({
  kind: 'table',
  caption,
  rows: [['file', 'rows', 'SHA-256'], ...rows],
  left: 3,
});

/** Options that stage the same rows in the same way; those that have their default are left out. */
function redoOptions({ folder, manifest }: StagedReport): Record<string, OptionValue> {
  const { input, options, holdoutFrom, lengths } = manifest;
  const { stages, thresholds, ...rest } = options;
  const defaults: Readonly<Record<string, unknown>> = {
    ...stagingOptionsSchema.parse({}),
    ...importOptionsSchema.parse({}),
    by: thresholds ? 'thresholds' : 'rows',
  };
  const chosen = Object.entries({ ...rest, ...input.import }).filter(
    ([name, value]) => value !== undefined && value !== defaults[name],
  );
  return {
    file: input.file,
    out: folder,
    ...(thresholds ? { thresholds: thresholds.join(',') } : { stages }),
    ...(Object.fromEntries(chosen) as Record<string, OptionValue>),
    ...(holdoutFrom && { holdoutFrom: holdoutFrom.file }),
    ...(lengths.counted === 'tokenizer' && { model: 'MODEL' }),
  };
}
