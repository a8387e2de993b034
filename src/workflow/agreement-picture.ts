import { shownName } from '../core/shown.js';
import { agreementPlot } from '../plots/agreement-plot.js';
import { svgFile } from '../plots/svg.js';
import type { PairComparison } from '../scoring/compare/compare.js';
import { shownEstimate } from '../scoring/compare/report.js';
import type { Matched } from '../scoring/match.js';

/** Longest name that fits into a picture's title twice. */
const LONGEST_NAME = 28;

/** The picture of a pair of scores, as SVG. */
export const drawAgreement = ({ first, second, agreement }: PairComparison, { x, y }: Matched): string =>
  svgFile(
    agreementPlot({
      x: { name: shownName(first, LONGEST_NAME), values: x },
      y: { name: shownName(second, LONGEST_NAME), values: y },
      subtitle: `Spearman ${shownEstimate(agreement.spearman)}, same order ${shownEstimate(agreement.order, 1)} %`,
    }),
  );
