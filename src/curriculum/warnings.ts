import { formatCount } from '../telemetry/format.js';
import type { Measure } from './lengths.js';
import type { StagingManifest } from './manifest.js';
import type { Staging } from './staging.js';

/** A stage with fewer rows to train on, a smaller share of all rows, or fewer held-out rows, is called tiny. */
const FEW = { rows: 30, share: 0.02, heldOut: 10 };

/** Spearman's correlation of score and length, of either sign, from which on difficulty may be mostly length. */
const MOSTLY_LENGTH = 0.5;

/** Share of all rows in one cluster of near-duplicates from which on a warning says so. */
const LARGE_CLUSTER = 0.05;

/** A staging, and what happened while it was made. */
export interface StagingFacts extends Pick<Staging, 'plan' | 'cuts' | 'duplicates' | 'length' | 'stages'> {
  readonly counted: Measure['counted'];
  /** Rows left out because they have no score. */
  readonly dropped: number;
  /** Rows left out because they are near-duplicates of rows that were given to hold out. */
  readonly leftOut: number;
}

/** The warnings that a staging gave, worked out from its manifest again. */
export const manifestWarnings = (manifest: StagingManifest): string[] =>
  stagingWarnings({
    ...manifest,
    plan: manifest.options,
    counted: manifest.lengths.counted,
    dropped: manifest.input.withoutScore,
    leftOut: manifest.holdoutFrom?.leftOut ?? 0,
  });

/** What the user should know about a staging, in one sentence each. */
export function stagingWarnings(staging: StagingFacts): string[] {
  const { plan, dropped, leftOut, counted } = staging;
  return [
    ...(dropped > 0 ? [`${rows(dropped)} without a score ${dropped === 1 ? 'was' : 'were'} left out`] : []),
    ...(leftOut > 0
      ? [`${rows(leftOut)} ${leftOut === 1 ? 'was' : 'were'} left out: equal to held-out rows, or nearly so`]
      : []),
    ...((plan.by === 'tokens' || plan.by === 'length') && counted === 'estimate'
      ? ['tokens are estimated from characters; set `model` to count them with its tokenizer']
      : []),
    ...tieWarnings(staging),
    ...lengthWarnings(staging),
    ...sizeWarnings(staging),
    ...duplicateWarnings(staging),
  ];
}

const rows = (n: number) => `${formatCount(n)} row${n === 1 ? '' : 's'}`;

const tieWarnings = ({ plan, cuts }: StagingFacts): string[] =>
  plan.by === 'thresholds'
    ? []
    : cuts.flatMap(({ score, tiedBelow, tiedAbove }, i) =>
        tiedBelow > 0
          ? `ties at the cut between stages ${i + 1} and ${i + 2}: of ${formatCount(tiedBelow + tiedAbove)} rows with score ${score}, ${formatCount(tiedBelow)} went into stage ${i + 1} and ${formatCount(tiedAbove)} into stage ${i + 2}, at random by the seed; to keep equal scores together, set \`ties: together\` or \`thresholds\``
          : [],
      );

function lengthWarnings({ length: { spearman, etaSquared }, plan }: StagingFacts): string[] {
  if (spearman === undefined || Math.abs(spearman) < MOSTLY_LENGTH) return [];
  const sign = spearman > 0 ? 'longer rows score higher' : 'shorter rows score higher';
  const advice = plan.by === 'length' ? '' : '; `by: length` cuts where stages differ least in length';
  return [
    `difficulty may be mostly length: ${sign} (Spearman ${spearman.toFixed(2)}, reported from ${MOSTLY_LENGTH} on), and the stages explain ${Math.round(100 * etaSquared)} % of the variance of log length${advice}`,
  ];
}

function sizeWarnings({ plan, stages }: StagingFacts): string[] {
  const all = stages.reduce((sum, stage) => sum + stage.rows, 0);
  const warnings: string[] = [];
  for (const { index, rows: trained, heldOut } of stages) {
    if (trained < FEW.rows || trained < FEW.share * all)
      warnings.push(
        `stage ${index} is tiny: ${rows(trained)} to train on${trained < FEW.rows ? '' : `, ${((100 * trained) / all).toFixed(1)} % of all`}`,
      );
    if (plan.holdout === 0) continue;
    if (heldOut === 0)
      warnings.push(
        `stage ${index} has no held-out rows: ${plan.holdout === undefined ? 'none of those that were given falls into it' : 'all of its instructions occur several times or are near-duplicates of others'}`,
      );
    else if (heldOut < FEW.heldOut)
      warnings.push(
        `stage ${index} has only ${heldOut} held-out row${heldOut === 1 ? '' : 's'}: its held-out loss says little`,
      );
  }
  if (plan.holdout === 0) warnings.push('no rows are held out: there will be no held-out loss');
  return warnings;
}

function duplicateWarnings({ plan, duplicates: { largest, uncompared }, stages }: StagingFacts): string[] {
  if (plan.nearDuplicates === 0) return [];
  const warnings: string[] = [];
  const all = stages.reduce((sum, stage) => sum + stage.rows + stage.heldOut, 0);
  if (largest > Math.max(FEW.rows, LARGE_CLUSTER * all))
    warnings.push(
      `${rows(largest)} are connected as near-duplicates, so that all of them are trained on or all held out; if they only follow one template, raise \`nearDuplicates\` (${plan.nearDuplicates})`,
    );
  if (uncompared > 0)
    warnings.push(
      `${formatCount(uncompared)} times a row shared its template with more rows than it was compared with; near-duplicates among them can have been missed`,
    );
  return warnings;
}
