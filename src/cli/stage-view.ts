import type { Histogram } from '../curriculum/histogram.js';
import type { StagingManifest } from '../curriculum/manifest.js';
import { formatScore, formatScores } from '../curriculum/stage-picture.js';
import type { Staging } from '../curriculum/staging.js';
import { alignedLines } from '../telemetry/document.js';
import { formatCount } from '../telemetry/format.js';
import type { Span, Styled } from '../telemetry/terminal.js';

const HEADS = ['stage', 'score', 'mean', 'rows', 'tokens', 'row median', 'row 90 %', 'held out'];

/** A mean of two digits after the point, or what is left of a very small or large one. */
const mean = (n: number) => (n === 0 || (Math.abs(n) >= 0.01 && Math.abs(n) < 1e12) ? n.toFixed(2) : formatScore(n));

/** The stages as a table of aligned columns; median and 90 % are tokens of a row. */
export function tableOf({ stages, lengths }: StagingManifest): string[] {
  const about = lengths.counted === 'estimate' ? '~' : '';
  const cells = stages.map(({ index, scores, ...s }) => [
    String(index),
    formatScores(scores),
    mean(scores.mean),
    formatCount(s.rows),
    about + formatCount(s.tokens),
    about + formatCount(s.lengths.median),
    about + formatCount(s.lengths.p90),
    formatCount(s.heldOut),
  ]);
  const sum = (of: (stage: StagingManifest['stages'][number]) => number) =>
    formatCount(stages.reduce((total, stage) => total + of(stage), 0));
  const total = ['total', '', '', sum((s) => s.rows), about + sum((s) => s.tokens), '', '', sum((s) => s.heldOut)];
  return alignedLines([HEADS, ...cells, total], 2);
}

/** Where the held-out rows are from, if given, and what was found about duplicates and length, a sentence each. */
export function factsOf(manifest: StagingManifest): string[] {
  const { duplicates, length, options, holdoutFrom } = manifest;
  const { exact, near, clusters } = duplicates;
  const nearly = options.nearDuplicates > 0 ? `, ${formatCount(near)} near-duplicates` : '';
  const groups = clusters === 1 ? 'the one group of them' : `each of the ${formatCount(clusters)} groups of them`;
  const together = clusters > 0 ? `; ${groups} is on one side` : '';
  const follows = length.spearman === undefined ? '' : `Spearman ${length.spearman.toFixed(2)}; `;
  return [
    ...(holdoutFrom
      ? [`held-out rows: the ${formatCount(holdoutFrom.rows)} of ${holdoutFrom.file}, whatever the cut`]
      : []),
    `duplicate instructions: ${formatCount(exact)} equal${nearly}${together}`,
    `score and length: ${follows}the stages explain ${(100 * length.etaSquared).toFixed(1)} % of the variance of log length`,
  ];
}

/** Most bars in a terminal, and characters of the longest. */
const BARS = 20;
const LONGEST = 50;

/** From light to dark blue, of a terminal's 256 colours. */
const COLOURS = [153, 110, 74, 67, 61, 55];

/** The histogram in text: a bar a line, drawn with the number of the stage, or on a terminal in its colour. */
export function barsOf({ histogram, stages }: Staging, color: boolean): Styled[] {
  const { edges, counts, openBelow, openAbove } = coarser(histogram);
  const totals = counts.map((bar) => bar.reduce((sum, n) => sum + n, 0));
  const highest = Math.max(...totals);
  const names = counts.map((_, i) => {
    if (i === 0 && openBelow) return `under ${edges[1]}`;
    if (i === counts.length - 1 && openAbove) return `${edges[i]} and over`;
    return `${edges[i]} to ${edges[i + 1]}`;
  });
  const width = Math.max(...names.map((name) => name.length));
  const lines = counts.map((bar, i) => {
    const cells = totals[i] === 0 ? 0 : Math.max(1, Math.round((totals[i]! / highest) * LONGEST));
    let below = 0;
    const drawn = bar.map((rows, stage) => {
      const from = Math.round((below / (totals[i] || 1)) * cells);
      below += rows;
      const n = Math.round((below / (totals[i] || 1)) * cells) - from;
      return color ? coloured('█'.repeat(n), stage, stages.length) : String(stage + 1).repeat(n);
    });
    const name = names[i]!.padStart(width);
    return totals[i] === 0 ? name : [`${name}  `, ...drawn, ` ${formatCount(totals[i]!)}`];
  });
  const key = color
    ? stages.flatMap(({ index }, i) => [i > 0 ? '  ' : '', coloured('█', index - 1, stages.length), ` stage ${index}`])
    : ['each bar is drawn with the numbers of its stages'];
  return [['rows by score; ', ...key], ...lines];
}

const coloured = (text: string, stage: number, stages: number): Span => ({
  text,
  sgr: [38, 5, COLOURS[Math.round((stage * (COLOURS.length - 1)) / (stages - 1))]!],
});

/** Neighbouring bars put together until they fit a screen. */
function coarser(histogram: Histogram): Histogram {
  const { edges, counts } = histogram;
  if (counts.length <= BARS) return histogram;
  const n = Math.ceil(counts.length / BARS);
  const kept = edges.filter((_, i) => i % n === 0);
  const width = edges[1]! - edges[0]!;
  while (kept.length < Math.ceil(counts.length / n) + 1) kept.push(Number((kept.at(-1)! + n * width).toPrecision(10)));
  const merged = kept
    .slice(0, -1)
    .map((_, i) => counts.slice(i * n, (i + 1) * n).reduce((sum, bar) => sum.map((rows, stage) => rows + bar[stage]!)));
  return { ...histogram, edges: kept, counts: merged };
}
