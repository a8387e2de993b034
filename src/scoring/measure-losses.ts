import { PhasetuneError } from '../core/errors.js';
import { sha256 } from '../core/hash.js';
import { startTask, type Task } from '../core/task.js';
import type { EncodedRow } from '../data/encoded.js';
import { type ForwardOptions, forwardBatches } from '../data/forward-batches.js';
import { type MicroBatch, rowsOf } from '../data/micro-batch.js';
import { batchOptionsSchema } from '../data/options.js';
import type { Ledger, LedgerLine } from '../endpoint/ledger.js';

/** What computes losses: a model, wherever it runs. */
export interface LossMeter {
  /** For each row, line after line, the sum of the cross-entropy over its measured tokens, in nats. */
  measure(batch: MicroBatch): Promise<Float32Array>;
}

/**
 * A measured text in the ledger: the sum of the loss over so many tokens, in nats. One that is no
 * number is kept as a failure.
 */
export type LossLine = LedgerLine &
  ({ readonly loss: number; readonly tokens: number } | { readonly failure: { readonly message: string } });

/** What is to be measured, known before the model is loaded. */
export interface LossPlan {
  /** Nothing where all is known already. */
  readonly batches: readonly MicroBatch[];
  /** Texts that were measured before. */
  readonly known: number;
  /** Texts of all rows, equal ones counted once. */
  readonly texts: number;
  /** Tokens of the batches' texts. */
  readonly tokens: number;
  /** Positions that the model computes for them, padding among them. */
  readonly paddedTokens: number;
  /** The ledger's key of a text: hash of `asked` and its tokens. */
  keyOf(text: EncodedRow): string;
}

/** How far measuring is. */
export interface LossProgress {
  /** Tokens measured in this run, of `total`. */
  readonly tokens: number;
  readonly total: number;
  /** Seconds since the first batch. */
  readonly seconds: number;
  readonly tokensPerSecond: number;
}

/**
 * Plans the measuring of texts that the ledger does not know. `asked` is a hash of all that decides
 * their loss besides their tokens: model, adapter and precision. A run that continues after it was
 * interrupted has the batches of one that was not, so that its losses are the same to the bit;
 * where other texts are missing than such a run leaves, they get batches of their own, and losses
 * may differ from those of one run by how sums are rounded.
 */
export function planLosses(
  texts: readonly EncodedRow[],
  asked: string,
  has: (key: string) => boolean,
  batchRows: number,
): LossPlan {
  const keys = new Map(texts.map((text) => [text, keyOfText(asked, text)]));
  const unique = [...new Map(texts.map((text) => [keys.get(text)!, text])).values()];
  const missing = new Set(unique.filter((text) => !has(keys.get(text)!)));
  const batches = batchesOf(unique, missing, { ...PACKED, batchRows });
  const rows = batches.flatMap(({ lines }) => lines.flat());
  return {
    batches,
    known: unique.length - missing.size,
    texts: unique.length,
    tokens: rows.reduce((n, { ids }) => n + ids.length, 0),
    paddedTokens: batches.reduce((n, { shape }) => n + shape.lines * shape.length, 0),
    keyOf: (text) => keys.get(text)!,
  };
}

const PACKED = { batching: 'packed', padTo: batchOptionsSchema.shape.padTo.parse(undefined), passes: 1 } as const;

/** A killed run leaves at most one batch half-measured: it is then measured whole. */
function batchesOf(
  texts: readonly EncodedRow[],
  missing: ReadonlySet<EncodedRow>,
  options: ForwardOptions,
): readonly MicroBatch[] {
  const left = forwardBatches(texts, options).filter(({ lines }) => lines.flat().some((text) => missing.has(text)));
  const mixed = left.filter(({ lines }) => !lines.flat().every((text) => missing.has(text)));
  return mixed.length <= 1 ? left : forwardBatches([...missing], options);
}

function keyOfText(asked: string, { ids, mask }: EncodedRow): string {
  const head = new TextEncoder().encode(`loss ${asked} ${mask.indexOf(1)} `);
  const bytes = new Uint8Array(head.length + ids.byteLength);
  bytes.set(head);
  bytes.set(new Uint8Array(ids.buffer, ids.byteOffset, ids.byteLength), head.length);
  return sha256(bytes);
}

/**
 * Measures the batches of a plan and writes every loss into the ledger; reports after each batch,
 * and results in the last report, undefined where nothing was left to measure. Fails with code
 * `interrupted` when the signal is aborted: what was measured is then on the disk.
 */
export const measureLosses = (
  plan: LossPlan,
  meter: LossMeter,
  ledger: Pick<Ledger<LossLine>, 'has' | 'append'>,
  signal?: AbortSignal,
): Task<LossProgress, LossProgress | undefined> =>
  startTask(() => measureTexts(plan, lossesOf(plan, meter), ledger, signal));

/** What {@link measureTexts} finds out about a batch: the line of each of its texts, line after line. */
export type TextMeter<L extends LedgerLine> = (batch: MicroBatch) => Promise<readonly L[]>;

/** The lines of a batch's losses. */
export const lossesOf =
  ({ keyOf }: Pick<LossPlan, 'keyOf'>, meter: LossMeter): TextMeter<LossLine> =>
  async (batch) => {
    const losses = await meter.measure(batch);
    return rowsOf(batch).map((text, i) => lineOf(keyOf(text), text, losses[i]!));
  };

/**
 * As {@link measureLosses}, whatever is measured of a text. When a batch is reported, the lines of those before it are
 * on the disk; when it ends, all are.
 */
export async function* measureTexts<L extends LedgerLine>(
  plan: Pick<LossPlan, 'batches' | 'tokens'>,
  measure: TextMeter<L>,
  ledger: Pick<Ledger<L>, 'has' | 'append'>,
  signal?: AbortSignal,
): AsyncGenerator<LossProgress, LossProgress | undefined> {
  const start = performance.now();
  let tokens = 0;
  let last: LossProgress | undefined;
  let written: Promise<unknown> = Promise.resolve();
  try {
    for (const batch of plan.batches) {
      if (signal?.aborted)
        throw new PhasetuneError('interrupted', `stopped after ${tokens} of ${plan.tokens} tokens`, {
          remedies: [{ task: 'score', note: 'again with the same options to continue from there' }],
        });
      const lines = await measure(batch);
      // The disk is waited for while the next batch is computed.
      await written;
      written = Promise.all(lines.filter(({ key }) => !ledger.has(key)).map((line) => ledger.append(line)));
      written.catch(() => {});
      tokens += rowsOf(batch).reduce((n, { ids }) => n + ids.length, 0);
      const seconds = (performance.now() - start) / 1000;
      last = { tokens, total: plan.tokens, seconds, tokensPerSecond: tokens / seconds };
      yield last;
    }
    return last;
  } finally {
    await written;
  }
}

const lineOf = (key: string, { id, trained }: EncodedRow, loss: number): LossLine =>
  Number.isFinite(loss)
    ? { key, item: id, loss, tokens: trained }
    : { key, item: id, failure: { message: `the loss is ${loss}` } };

/** Mean loss of a text by the ledger, in nats a token; NaN where it has none. */
export function meanLoss(ledger: Pick<Ledger<LossLine>, 'get'>, key: string): number {
  const line = ledger.get(key);
  return line && 'loss' in line ? line.loss / line.tokens : Number.NaN;
}
