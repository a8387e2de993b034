import { type Ledger, type LedgerLine, openLedger } from '../endpoint/ledger.js';
import { exists, remove, statPath } from '../io/files.js';
import { type RowScore, type ScoresManifest, scoredPaths, type Unscored } from '../scoring/scored.js';
import { type Logger, silentLogger } from '../telemetry/logger.js';

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

/** A ledger beside scored rows, open for this process alone. */
export interface ScoreLedger<L extends LedgerLine> {
  readonly ledger: Ledger<L>;
  /** Closes it; where it was made new and nothing was written, removes it. */
  close(): Promise<void>;
}

/** Opens the ledger of `out`, or makes one; `costOf` prices lines that were written without a cost. */
export async function openScoreLedger<L extends LedgerLine>(
  out: string,
  logger: Logger = silentLogger,
  costOf?: (line: L) => number,
): Promise<ScoreLedger<L>> {
  const path = scoredPaths(out).ledger;
  const isNew = !exists(path);
  const ledger = await openLedger<L>(path, `scoring to ${out}`, costOf);
  const { bytes } = await statPath(path);
  if (ledger.dropped > 0) logger.warn(`${path}: its last line was half written and is dropped`);
  if (ledger.passedOver > 0) logger.warn(`${path}: ${ledger.passedOver} lines in it cannot be read and are skipped`);
  return {
    ledger,
    async close() {
      if (isNew && (await statPath(path)).bytes === bytes) await remove(path);
      await ledger.close();
    },
  };
}
