import type { PairJudge, PairOutcome, PairQuestion } from './pair-judge.js';

/** Characters of a text as Python and AlpacaEval count them: code points, whatever their UTF-16 length. */
export function codePoints(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

/**
 * The judge that always finds the longer answer better, and equally long ones equal: what a judge's win rates are to be
 * compared with, since many judges know little else. It costs nothing and keeps nothing.
 */
export const lengthJudge = (): PairJudge => ({
  name: 'length',
  kind: 'length',
  about: { counted: 'code points' },
  ordered: false,
  async *judge(questions, signal) {
    for (const [index, question] of questions.entries()) {
      if (signal?.aborted) return;
      yield { index, outcome: longerOf(question) };
    }
  },
  async close() {},
});

function longerOf({ first, second }: PairQuestion): PairOutcome {
  const [x, y] = [codePoints(first), codePoints(second)];
  return { choice: x === y ? 'tie' : x > y ? 'first' : 'second', why: `${x} characters against ${y}` };
}
