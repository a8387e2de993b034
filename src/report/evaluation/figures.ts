import { drawResult } from '../../eval/result/draw-result.js';
import type { EvaluationResult } from '../../eval/result/result.js';
import { shownInterval, shownLevel, shownRate } from '../../eval/result/sentences.js';
import type { ArmPlot } from '../../eval/result/surprising.js';
import { lengthGroups } from '../../plots/length-plot.js';
import { formatCount } from '../../telemetry/format.js';
import type { Figure, PageCell } from '../page.js';

/** The pictures of a result with their values. */
export interface ResultFigures {
  readonly winRates: Figure | undefined;
  readonly bands: Figure | undefined;
  /** An arm each. */
  readonly lengths: readonly Figure[];
}

/** Draws a result for a page. */
export function resultFigures(result: EvaluationResult, plots: readonly ArmPlot[]): ResultFigures {
  const { baseline, level } = result;
  const pictures = drawResult(result, plots);
  const svgOf = (kind: 'winRates' | 'bands') => pictures.find((picture) => picture.kind === kind)?.svg;
  const [winRates, bands] = [svgOf('winRates'), svgOf('bands')];
  return {
    winRates:
      winRates === undefined
        ? undefined
        : {
            id: 'win-rates',
            caption: `Win rates against ${baseline} with ${shownLevel(level)} intervals; 50 % is a draw.`,
            svg: winRates,
            table: rateTable(result),
          },
    bands:
      bands === undefined
        ? undefined
        : {
            id: 'win-rates-by-band',
            caption: `Win rates against ${baseline} by band of difficulty, the easiest first, with ${shownLevel(level)} intervals.`,
            svg: bands,
            table: bandTable(result),
            left: 2,
          },
    lengths: pictures
      .filter(({ kind }) => kind === 'length')
      .map(({ arm, svg }, i) => ({
        id: `length-${i + 1}`,
        caption: `Length against verdict of ${arm}: where the line goes up, the judge follows the length of the answers.`,
        svg,
        table: lengthTable(plots.find((plot) => plot.arm === arm)!),
        left: 0,
      })),
  };
}

const number = (value: number | null): PageCell => ({ text: shownRate(value), value });

function rateTable({ arms }: EvaluationResult): PageCell[][] {
  const rows = Object.entries(arms).map(([arm, { winRate, low, high, n }]): PageCell[] => [
    arm,
    number(winRate),
    number(low),
    number(high),
    { text: formatCount(n), value: n },
  ]);
  return [['arm', 'win %', 'low', 'high', 'verdicts'], ...rows];
}

function bandTable({ arms }: EvaluationResult): PageCell[][] {
  const rows = Object.entries(arms).flatMap(([arm, { byBand }]) =>
    Object.entries(byBand)
      .sort(([x], [y]) => Number(x) - Number(y))
      .map(([band, rate]): PageCell[] => [
        arm,
        `band ${band}`,
        number(rate.winRate),
        shownInterval(rate),
        { text: formatCount(rate.n), value: rate.n },
      ]),
  );
  return [['arm', 'band', 'win %', 'interval', 'verdicts'], ...rows];
}

function lengthTable({ pairs, fitted }: ArmPlot): PageCell[][] {
  const groups = lengthGroups(pairs.toSorted((x, y) => x.longerBy - y.longerBy));
  const rows = groups.map(({ longerBy, score, n }): PageCell[] => [
    { text: longerBy.toFixed(0), value: longerBy },
    number(score),
    number(fitted ? fitted(longerBy) : null),
    { text: formatCount(n), value: n },
  ]);
  return [['characters more, mean of a group', "arm's score, %", 'fitted, %', 'pairs'], ...rows];
}
