import { join } from 'node:path';
import { type Ledger, type LedgerLine, openLedger } from '../../src/endpoint/ledger.js';
import type { PairJudge, PairOutcome, PairQuestion } from '../../src/eval/judge/pair-judge.js';
import type { CompileOptions } from '../../src/program/compile-options.js';
import { testBackend } from './backend.js';
import { temporaryFolder } from './folder.js';

/** float32, recorded where that can be had, as the product does it. */
export async function float32(): Promise<CompileOptions> {
  const { name } = await testBackend();
  return { mode: name === 'tensorflow' ? 'captured' : 'eager', precision: 'float32' };
}

/** A ledger that counts what is written into it. */
export async function countingLedger<L extends LedgerLine>(path = join(temporaryFolder('phasetune-judge'), 'x.jsonl')) {
  const ledger: Ledger<L> = await openLedger<L>(path);
  const keys: string[] = [];
  const append = (line: L) => {
    keys.push(line.key);
    return ledger.append(line);
  };
  const { has, get, close } = ledger;
  return { path, keys, has, get, append, close };
}

/** All outcomes by the places of their questions; `stopAfter` aborts after so many. */
export async function judgeAll(
  judge: PairJudge,
  questions: readonly PairQuestion[],
  stopAfter = Number.POSITIVE_INFINITY,
): Promise<(PairOutcome | undefined)[]> {
  const stop = new AbortController();
  const outcomes = new Array<PairOutcome | undefined>(questions.length).fill(undefined);
  let count = 0;
  for await (const { index, outcome } of judge.judge(questions, stop.signal)) {
    if (outcomes[index] !== undefined) throw new Error(`question ${index} has two outcomes`);
    outcomes[index] = outcome;
    if (++count >= stopAfter) stop.abort();
  }
  return outcomes;
}

/** A question with one turn. */
export const question = (instruction: string, first: string, second: string): PairQuestion => ({
  item: `set ${instruction}`,
  messages: [{ role: 'user', content: instruction }],
  first,
  second,
});

/** The same with the answers the other way round. */
export const swapped = ({ first, second, ...rest }: PairQuestion): PairQuestion => ({
  ...rest,
  first: second,
  second: first,
});
