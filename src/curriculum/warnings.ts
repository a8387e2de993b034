import type { Staging } from './types.js';

/** A stage with fewer rows to train on, or fewer held-out rows, is called tiny. */
const FEW_ROWS = 30;
const FEW_HELD_OUT = 10;

/** What the user should know about a staging: dropped rows, ties at a cut, tiny stages, few held-out rows, guessed tokens. */
export function stagingWarnings({ plan, stages, cuts, dropped, counted }: Omit<Staging, 'warnings'>): string[] {
  const warnings: string[] = [];
  if (dropped > 0) warnings.push(`${dropped} rows without a score were left out`);
  if (plan.by === 'tokens' && counted === 'estimate')
    warnings.push('tokens are estimated from characters; give --model DIR to count them with its tokenizer');
  if (plan.by !== 'thresholds')
    for (const [i, { score, tiedBelow, tiedAbove }] of cuts.entries())
      if (tiedBelow > 0)
        warnings.push(
          `ties at the cut between stages ${i + 1} and ${i + 2}: of ${tiedBelow + tiedAbove} rows with score ${score}, ${tiedBelow} were put below and ${tiedAbove} above, at random by the seed; to keep equal scores together, cut with --thresholds`,
        );
  for (const { index, rows, heldOut } of stages) {
    if (rows.length < FEW_ROWS) warnings.push(`stage ${index} is tiny: ${rows.length} rows to train on`);
    if (plan.holdout === 0) continue;
    if (heldOut.length === 0)
      warnings.push(`stage ${index} has no held-out rows: all of its instructions occur several times`);
    else if (heldOut.length < FEW_HELD_OUT)
      warnings.push(
        `stage ${index} has only ${heldOut.length} held-out row${heldOut.length === 1 ? '' : 's'}: its held-out loss says little`,
      );
  }
  if (plan.holdout === 0) warnings.push('no rows are held out: there will be no held-out loss');
  return warnings;
}
