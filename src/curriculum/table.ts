import { createHash } from 'node:crypto';
import { sameText } from '../core/same-text.js';
import type { InstructionRecord } from '../data/record.js';
import { openShingles, type ShingleSets } from './shingles.js';

/**
 * What cutting needs to know of scored rows, packed: about 50 bytes per row, and 4 for each word of
 * its instruction.
 */
export interface RowTable {
  readonly rows: number;
  readonly scores: Float64Array;
  readonly tokens: Uint32Array;
  /** Two numbers per row that are the same only for equal instructions, see {@link sameText}. */
  readonly keys: Uint32Array;
  /** Undefined where near-duplicates are not searched for. */
  readonly shingles?: ShingleSets;
}

/** A table to which rows are added one by one. */
export interface TableBuilder {
  add(record: InstructionRecord, score: number, tokens: number): void;
  /** The table of what was added. */
  done(): RowTable;
}

/** Makes an empty table. `near` is false where only equal instructions are searched for. */
export function openTable({ near }: { near: boolean }): TableBuilder {
  const [scores, tokens, keys] = [column(Float64Array), column(Uint32Array), column(Uint32Array)];
  const shingles = near ? openShingles() : undefined;
  return {
    add(record, score, length) {
      scores.add(score);
      tokens.add(length);
      const digest = createHash('sha1').update(instructionKey(record)).digest();
      keys.add(digest.readUInt32LE(0));
      keys.add(digest.readUInt32LE(4));
      shingles?.add(record);
    },
    done() {
      const all = scores.values();
      return {
        rows: all.length,
        scores: all,
        tokens: tokens.values(),
        keys: keys.values(),
        ...(shingles && { shingles }),
      };
    },
  };
}

/** The instruction of a row, to recognise equal ones: all turns before the answer, normalised by {@link sameText}. */
export const instructionKey = ({ messages }: InstructionRecord): string =>
  JSON.stringify(messages.slice(0, -1).map(({ role, content }) => [role, sameText(content, true)]));

/** Numbers that grow in place of a list: a typed array that doubles when it is full. */
function column<T extends Float64Array | Uint32Array>(Kind: new (size: number) => T) {
  let values = new Kind(1024);
  let count = 0;
  return {
    add(value: number) {
      if (count === values.length) {
        const larger = new Kind(2 * count);
        larger.set(values);
        values = larger;
      }
      values[count++] = value;
    },
    values: () => values.subarray(0, count) as T,
  };
}
