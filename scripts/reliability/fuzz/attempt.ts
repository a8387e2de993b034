import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PhasetuneError } from '../../../src/core/errors.js';
import { random } from '../../../src/core/random.js';
import { mutated } from './mutate.js';
import type { Parser, Seed } from './parser.js';

/** What came of one file. */
export interface Attempt {
  readonly outcome: 'accepted' | 'refused' | 'crash';
  /** The refusal, or what the crash was. */
  readonly error?: string;
  readonly ms: number;
}

/** One of the files of a run, by its number. */
export function fileAt(parser: Parser, seeds: readonly Seed[], runSeed: number, index: number) {
  const source = random(runSeed, parser.name, index);
  const from = source.integer(seeds.length);
  return { from, seed: seeds[from]!, bytes: mutated(seeds[from]!, seeds, parser.mutations, source) };
}

/** Longest refusal that is still one line to read, besides the path in it. */
const LONGEST_MESSAGE = 1500;

/**
 * Above this, in ms, a file is read again and the shorter time counts: other work on the machine is
 * not the reader's.
 */
const SLOW_MS = 200;

/** Writes a file into an empty folder and has the parser read it. */
export async function attempt(parser: Parser, seed: Seed, bytes: Uint8Array, folder: string): Promise<Attempt> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const [name, content] of Object.entries(seed.beside ?? {})) writeFileSync(join(folder, name), content);
  writeFileSync(join(folder, seed.file), bytes);
  const first = await read(parser, seed, folder);
  if (first.ms < SLOW_MS || first.outcome === 'crash') return first;
  const second = await read(parser, seed, folder);
  return { ...second, ms: Math.min(first.ms, second.ms) };
}

async function read(parser: Parser, seed: Seed, folder: string): Promise<Attempt> {
  const path = join(folder, seed.file);
  const start = performance.now();
  const refusal = await parser.open(path).then(
    () => undefined,
    (error: unknown) => problemOf(error, folder),
  );
  const ms = performance.now() - start;
  const expected = [seed.file, ...Object.keys(seed.beside ?? {})].sort().join();
  const left = readdirSync(folder).sort().join();
  if (left !== expected) return { outcome: 'crash', error: `left behind: found ${left}, expected ${expected}`, ms };
  return refusal === undefined ? { outcome: 'accepted', ms } : { ...refusal, ms };
}

function problemOf(error: unknown, folder: string): Pick<Attempt, 'outcome' | 'error'> & { error: string } {
  if (!(error instanceof PhasetuneError) || (error.code !== 'data' && error.code !== 'usage')) {
    const { stack } = error instanceof Error ? error : new Error(String(error));
    const code = error instanceof PhasetuneError ? `code ${error.code}: ` : '';
    return { outcome: 'crash', error: `${code}${(stack ?? '').split('\n').slice(0, 3).join(' ').slice(0, 600)}` };
  }
  const message = error.message.replaceAll(folder, '');
  if (message.length > LONGEST_MESSAGE) return { outcome: 'crash', error: `a message of ${message.length} characters` };
  if (/\p{Cc}/u.test(message))
    return { outcome: 'crash', error: `control characters in the message: ${JSON.stringify(message)}` };
  return { outcome: 'refused', error: message };
}
