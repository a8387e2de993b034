import type { LedgerLine } from '../endpoint/ledger.js';
import { type RowScore, type ScoresManifest, scoredPaths, type Unscored } from '../scoring/scored.js';
import type { Logger } from '../telemetry/logger.js';
import { type OpenedLedger, openLedgerFor } from './asking-ledger.js';

/** Score of each row, in order. */
export const scoresOf = (outcomes: readonly (RowScore | Unscored)[]): (number | undefined)[] =>
  outcomes.map((outcome) => ('score' in outcome ? outcome.score : undefined));

/** The part of a result that every scorer has. */
export const scoredFile = (out: string, manifest: ScoresManifest, scores: readonly (number | undefined)[]) => ({
  out,
  manifestFile: scoredPaths(out).manifest,
  manifest,
  scores,
});

/** Opens the ledger of `out`, or makes one; `costOf` prices lines that were written without a cost. */
export const openScoreLedger = <L extends LedgerLine>(
  out: string,
  logger?: Logger,
  costOf?: (line: L) => number,
): Promise<OpenedLedger<L>> =>
  openLedgerFor<L>(scoredPaths(out).ledger, { owner: `scoring to ${out}`, logger, costOf });
