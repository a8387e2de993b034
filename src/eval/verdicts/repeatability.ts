import type { Verdict } from './verdict.js';

/** How well a judge repeats itself. */
export interface Repeatability {
  /** Share of pairs of replies to the same question that name the same answer, 0 to 1. */
  readonly agreement: number;
  /** Questions that were answered more than once. */
  readonly questions: number;
}

/** The judge's own noise, from questions that were asked several times; undefined where none was. */
export function repeatability(verdicts: readonly Verdict[]): Repeatability | undefined {
  let [agreements, questions] = [0, 0];
  for (const { orders } of verdicts)
    for (const side of ['baseline', 'arm']) {
      const said = orders.flatMap(({ first, better }) => (first === side && better !== null ? [better] : []));
      if (said.length < 2) continue;
      questions++;
      const pairs = (said.length * (said.length - 1)) / 2;
      const same = said.flatMap((x, i) => said.slice(i + 1).filter((y) => y === x)).length;
      agreements += same / pairs;
    }
  return questions === 0 ? undefined : { agreement: agreements / questions, questions };
}
