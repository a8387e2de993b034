import { auc, brier, calibrationError } from '../../statistics/calibration.js';
import { type AddedArm, type ArmContext, addRate, FITS, lengthControlled, lengthControlOf } from './arm-results.js';
import { orNull, rateOf } from './interval-batch.js';
import { agreementOf, matchedScores } from './judge-figures.js';
import { missingOf } from './missing.js';
import type { AgainstResult, ControlResult } from './result.js';
import type { ArmScoring } from './scores.js';

/** Adds a judge beside the main one; its figures are there once the batch is computed. */
export function addControl(
  name: string,
  scorings: readonly ArmScoring[],
  judge: readonly ArmScoring[],
  context: ArmContext,
): () => ControlResult {
  const { kind, control } = context.evaluation.file.judges[name]!;
  const added = scorings.map((scoring) => [scoring, addRate(scoring, context)] as const);
  return () => {
    const { decided: _, ...agreement } = agreementOf(judge, scorings);
    const arms = added.map(([scoring, rate]) => {
      const { missing } = missingOf(scoring);
      const figures = { ...rateOf(rate()), missing };
      // A judge of lengths has nothing left at equal length.
      const atEqualLength =
        kind === 'length' || figures.n === 0 ? null : lengthControlled(lengthControlOf(scoring, context, FITS.beside));
      return [scoring.arm, { ...figures, lengthControlled: atEqualLength }] as const;
    });
    return { kind, control, arms: Object.fromEntries(arms), agreement };
  };
}

/** Compares the main judge with another one, whose verdicts count as the truth. */
export function compareJudges(
  names: { readonly judge: string; readonly other: string },
  judge: readonly AddedArm[],
  other: readonly ArmScoring[],
  rates: ControlResult,
): AgainstResult {
  const own = judge.map(({ scoring }) => scoring);
  const { share, kappa, pairs, decided } = agreementOf(own, other);
  const matched = matchedScores(own, other);
  const [scores, outcomes] = [matched.map(([x]) => x), matched.map(([, y]) => y)];
  return {
    ...names,
    pairs,
    agreement: share,
    decided,
    kappa,
    auc: orNull(auc(scores, outcomes)),
    brier: orNull(brier(scores, outcomes)),
    calibrationError: orNull(calibrationError(scores, outcomes)),
    arms: Object.fromEntries(
      judge.map(({ scoring: { arm }, rate }) => {
        const { winRate, low, high, n } = rates.arms[arm]!;
        return [arm, { judge: rateOf(rate()), other: { winRate, low, high, n } }];
      }),
    ),
  };
}
