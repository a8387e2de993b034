import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sha256 } from '../../../src/core/hash.js';
import type { Parser } from './parser.js';

const FOLDER = fileURLToPath(new URL('../../../tests/fixtures/hostile', import.meta.url));

/** A file that was found by fuzzing once, and what must come of it. */
export interface KeptCase {
  readonly file: string;
  /** Which of the parser's seeds it was made of: its name and what lies beside it. */
  readonly seed: number;
  /** What it did when it was found. */
  readonly was: string;
  /** A part of the refusal, or `accepted`. Empty when just found: to be filled in with the fix. */
  readonly expected: string;
}

const listOf = (parser: string) => join(FOLDER, parser, 'cases.json');

/** Parsers that cases are kept of. */
export const keptParsers = (): string[] => (existsSync(FOLDER) ? readdirSync(FOLDER) : []);

/** The kept cases of a parser. */
export const keptCases = (parser: string): KeptCase[] =>
  existsSync(listOf(parser)) ? (JSON.parse(readFileSync(listOf(parser), 'utf8')) as KeptCase[]) : [];

/** A kept case's bytes. */
export const keptBytes = (parser: string, { file }: KeptCase): Uint8Array => readFileSync(join(FOLDER, parser, file));

/** Longest file that is kept, in bytes. */
const MOST_BYTES = 64 << 10;

/** Keeps a file as a case; one that is too large, or is there, is not. Tells whether it was kept. */
export async function keep(parser: Parser, from: number, bytes: Uint8Array, was: string): Promise<boolean> {
  const cases = keptCases(parser.name);
  const file = `${sha256(bytes).slice(0, 8)}${extname((await parser.seeds())[from]!.file)}`;
  if (bytes.length > MOST_BYTES || cases.some((c) => c.file === file)) return false;
  mkdirSync(join(FOLDER, parser.name), { recursive: true });
  writeFileSync(join(FOLDER, parser.name, file), bytes);
  const all: KeptCase[] = [...cases, { file, seed: from, was: was.slice(0, 200), expected: '' }];
  writeFileSync(listOf(parser.name), `${JSON.stringify(all, null, 2)}\n`);
  return true;
}
