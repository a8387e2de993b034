/** Longest row that is read, in bytes: some four million tokens. */
export const MAX_ROW_BYTES = 16 << 20;

/** A row of a file of rows. */
export interface FileRow {
  /** `file:line` in JSON Lines and in a table, `file: row n` in a JSON array and in Parquet; both from 1. */
  readonly place: string;
  /** Undefined where there is an `error`. */
  readonly value: unknown;
  /** Its length in the file, unpacked. */
  readonly bytes: number;
  /** Why this row alone cannot be read, with its place; the rows after it can. */
  readonly error?: Error;
  /** Names of the columns, of a row of a table: its values are all texts, and an empty one is none. */
  readonly columns?: readonly string[];
}
