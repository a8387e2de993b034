import { PhasetuneError } from '../core/errors.js';
import type { Remedy } from '../core/remedies.js';
import { type Ledger, type LedgerLine, openLedger } from '../endpoint/ledger.js';
import { costOf, type Price } from '../endpoint/prices.js';
import type { AnswerLine, AskTotals } from '../endpoint/scheduler/ask-types.js';
import { exists, remove, statPath } from '../io/files.js';
import { formatCount, formatDollars } from '../telemetry/format.js';
import { type Logger, silentLogger } from '../telemetry/logger.js';

/** A ledger that is open for this process alone. */
export interface OpenedLedger<L extends LedgerLine> {
  readonly ledger: Ledger<L>;
  /** Closes it; where it was made new and nothing was written, removes it. */
  close(): Promise<void>;
}

/** How a ledger is opened. */
export interface LedgerSettings<L extends LedgerLine> {
  /** What for; is shown to other processes that find it locked. */
  readonly owner: string;
  readonly logger?: Logger | undefined;
  /** Prices lines that were written without a cost. */
  readonly costOf?: ((line: L) => number) | undefined;
  /** Sees each line with its cost, when it is read and when it is added. */
  readonly watch?: ((line: L, cost: number) => void) | undefined;
}

/** Opens a ledger, or makes one, and warns of lines in it that cannot be read. */
export async function openLedgerFor<L extends LedgerLine>(
  path: string,
  { owner, logger = silentLogger, costOf, watch }: LedgerSettings<L>,
): Promise<OpenedLedger<L>> {
  const isNew = !exists(path);
  const ledger = await openLedger<L>(path, owner, costOf, watch);
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

/** What a line cost that was written without its cost. */
export const costOfLine =
  (price: Price | undefined) =>
  ({ reply }: AnswerLine): number =>
    price && reply?.usage ? costOf(price, reply.usage) : 0;

/** Logs what this run spent until an error ended it. */
export function logSpent({ cost }: Pick<Ledger<AnswerLine>, 'cost'>, costBefore: number, logger: Logger): void {
  if (cost > costBefore) logger.info(`this run spent ${formatDollars(cost - costBefore)}`);
}

/** Asking was interrupted; the task continues it. */
export const interruptedAsking = ({ answered }: Pick<AskTotals, 'answered'>, ledger: string, remedy: Remedy) =>
  new PhasetuneError('interrupted', `interrupted: ${formatCount(answered)} replies of this run are in ${ledger}`, {
    file: ledger,
    remedies: [remedy],
  });
