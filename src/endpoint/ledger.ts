import * as z from 'zod';
import { dataError } from '../core/errors.js';
import { openKeyedLines } from '../io/keyed-lines.js';
import { lockFile } from '../io/lock.js';

/**
 * A line of a ledger. One with a `failure` does not settle its key: it is kept to be reported, and
 * its question asked again.
 */
export interface LedgerLine {
  readonly key: string;
  /** Id of the row, for people. */
  readonly item: string;
  readonly failure?: unknown;
  /** Its cost in US dollars. */
  readonly cost?: number;
}

/** The answers so far, on the disk, by key; only their positions are in memory. */
export interface Ledger<L extends LedgerLine> {
  readonly path: string;
  /** Bytes of a half-written last line that were cut off when it was opened; 0 when the file was whole. */
  readonly dropped: number;
  /** Lines that are not a ledger's, left in place and skipped: a power cut or an editor may leave such lines. */
  readonly passedOver: number;
  /** Keys with an answer. */
  readonly size: number;
  /** US dollars that all lines cost together, superseded ones too. */
  readonly cost: number;
  has(key: string): boolean;
  /** The last answer under a key, read from the disk; lines that are still being written are not found. */
  get(key: string): L | undefined;
  /** The last failure under a key without an answer, read from the disk. */
  failure(key: string): L | undefined;
  /** Adds a line; resolves when it is on the disk. Lines that come together are flushed together. */
  append(line: L): Promise<void>;
  /** Waits until all lines are on the disk. */
  flush(): Promise<void>;
  /** Flushes, and frees the file for other processes. */
  close(): Promise<void>;
}

/** Name of the ledger beside an output file: `NAME.ledger.jsonl` for `NAME.jsonl`. */
export const ledgerPathFor = (out: string): string => `${out.replace(/\.(jsonl?|ndjson)$/i, '')}.ledger.jsonl`;

const HEAD = { schema: 'phasetune/ledger', version: 1 } as const;
const headSchema = z.looseObject({ schema: z.literal(HEAD.schema), version: z.number().int() });

/**
 * Opens (or makes) a ledger for this process alone, by a lock file beside it; `owner` is shown to
 * other processes that find it locked. `costOf` prices lines that were written without a cost;
 * `watch` sees each line with its cost, when it is read and when it is added.
 * Throws (code `failed`) when another process has it, and a data error for a file that is no
 * ledger, or one of a newer version.
 */
export async function openLedger<L extends LedgerLine>(
  path: string,
  owner?: string,
  costOf: (line: L) => number = () => 0,
  watch: (line: L, cost: number) => void = () => {},
): Promise<Ledger<L>> {
  let total = 0;
  const add = (line: L) => {
    const cost = typeof line.cost === 'number' ? line.cost : costOf(line);
    if (cost > 0) total += cost;
    watch(line, cost);
  };
  const lock = await lockFile(path, owner);
  const free = async (cause: unknown): Promise<never> => {
    await lock.release();
    throw cause;
  };
  const lines = await openKeyedLines(path, {
    head: HEAD,
    checkHead: (value) => checkHead(path, value),
    keyOf: (value) => {
      const line = (value ?? {}) as L;
      if (typeof line.key !== 'string') return undefined;
      add(line);
      return { key: line.key, settles: line.failure === undefined };
    },
  }).catch(free);
  return {
    path,
    dropped: lines.dropped,
    passedOver: lines.passedOver,
    get size() {
      return lines.size;
    },
    get cost() {
      return total;
    },
    has: lines.has,
    get: (key) => lines.get(key) as L | undefined,
    failure: (key) => lines.unsettled(key) as L | undefined,
    async append(line) {
      await lines.append({ key: line.key, settles: line.failure === undefined, value: line });
      add(line);
    },
    flush: lines.flush,
    async close() {
      await lines.close();
      await lock.release();
    },
  };
}

function checkHead(path: string, value: unknown): void {
  const head = headSchema.safeParse(value).data;
  if (!head)
    throw dataError(`${path} is not a ledger: its first line is not {"schema":"${HEAD.schema}",...}`, {
      file: path,
      line: 1,
      remedies: [{ advice: 'choose another place for the ledger' }],
    });
  if (head.version !== HEAD.version)
    throw dataError(
      `${path}: written by another version of phasetune (ledger version ${head.version}, this one reads ${HEAD.version})`,
      {
        file: path,
        line: 1,
        remedies: [{ advice: 'use that version' }, { advice: 'choose another place for the ledger' }],
      },
    );
}
