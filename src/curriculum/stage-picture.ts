import { roundShort } from '../core/ordinary.js';
import { drawHistogram } from '../plots/histogram.js';
import { formatCount } from '../telemetry/format.js';
import type { Staging } from './staging.js';

/** A score as people read it: it may have many digits, and four after the point tell stages apart. */
export const formatScore = (score: number): string => String(roundShort(score));

/** The scores of a stage: `2.5 to 3.45`, or one of them where all are equal. */
export const formatScores = ({ min, max }: { readonly min: number; readonly max: number }): string =>
  min === max ? formatScore(min) : `${formatScore(min)} to ${formatScore(max)}`;

/** The histogram of a staging as SVG. */
export const drawStages = ({ histogram, cuts, stages }: Pick<Staging, 'histogram' | 'cuts' | 'stages'>): string =>
  drawHistogram({
    ...histogram,
    cuts: cuts.map((cut) => cut.score),
    stages: stages.map(
      ({ index, rows, heldOut, scores }) =>
        `stage ${index}: score ${formatScores(scores)}, ${formatCount(rows + heldOut)} rows`,
    ),
  });
