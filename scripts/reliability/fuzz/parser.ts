import type { Random } from '../../../src/core/random.js';

/** A valid small file, made by code, that mutated files are made from. */
export interface Seed {
  /** Name under which the mutated file is written; what follows the dot may matter to the parser. */
  readonly file: string;
  readonly bytes: Uint8Array;
  /** Files that lie beside it in the folder, by name; they stay as they are. */
  readonly beside?: Readonly<Record<string, Uint8Array>>;
}

/** Makes another file of one, never in place; `others` are the parser's seeds, for splicing. */
export type Mutation = (bytes: Uint8Array, random: Random, others: readonly Uint8Array[]) => Uint8Array;

/** A reader of files that people get from others: what is fuzzed, as data. */
export interface Parser {
  readonly name: string;
  /** The same at every call. */
  seeds(): readonly Seed[] | Promise<readonly Seed[]>;
  /**
   * Mutations that know the format; those that only know bytes (`BYTE_MUTATIONS`) are used besides
   * for every parser.
   */
  readonly mutations: readonly Mutation[];
  /**
   * Reads the whole of the file at `path` (the seed's name in a folder of its own, `beside` beside
   * it). Resolves where the file is taken. Rejects with a PhasetuneError of code `data` or `usage`
   * where it is refused; any other error counts as a crash, so what must hold of a file that was
   * taken is checked here with a plain Error. It leaves no file behind either way.
   */
  open(path: string): Promise<void>;
}
