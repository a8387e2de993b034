import type { AnswerChecks } from '../answers/answer-row.js';
import { checkConstraints } from './constraints.js';
import { isCopy } from './copy.js';
import { isLoop, wordsOf } from './loop.js';
import { jsonValue, normalized, sameJson } from './match.js';
import { isRefusal } from './refusal.js';
import { isOtherScript } from './script.js';

/** An answer, and what is known about it and its row. */
export interface CheckedAnswer {
  /** What was asked, as `instructionText` has it. */
  readonly instruction: string;
  readonly output: string;
  /** The set's own answer. */
  readonly reference?: string | undefined;
  /** `length`: the answer was cut off. */
  readonly finish?: 'stop' | 'length' | undefined;
  /** The answer's tokens, without the one that ends it: loops are looked for in them, as in its words. */
  readonly ids?: ArrayLike<number> | undefined;
  /**
   * Fields of the row: `instruction_id_list` and `kwargs` are constraints as IFEval's file has
   * them; `answer`, as in the demo's rows, is one more text that the answer may be equal to.
   */
  readonly meta?: Readonly<Record<string, unknown>> | undefined;
}

/**
 * What can be said about an answer without a judge: a pure function, and the same on every machine. An empty answer is
 * neither a refusal, a loop, a copy nor in another script; matches and constraints are there only where the row has a
 * reference or constraints.
 *
 * @example
 * const { loop, exactMatch } = checkAnswer({ instruction: 'What is 2 + 3?', output: '5', reference: '5' });
 */
export function checkAnswer(answer: CheckedAnswer): AnswerChecks {
  const { instruction, output, finish, ids, meta } = answer;
  const empty = output.trim() === '';
  const constraints = checkConstraints(meta, output);
  return {
    empty,
    cut: finish === 'length',
    refusal: isRefusal(output),
    loop: !empty && (loopsInWords(output) || (ids !== undefined && isLoop(Array.from(ids)))),
    copy: isCopy(instruction, output),
    otherScript: isOtherScript(instruction, output),
    ...matches(answer),
    ...(constraints && { constraints }),
  };
}

/** The last word may be cut. */
function loopsInWords(output: string): boolean {
  const words = wordsOf(output);
  return isLoop(words) || isLoop(words.slice(0, -1));
}

/** How the answer compares with the texts that are right; nothing where there is none. */
function matches({ output, reference, meta }: CheckedAnswer): Partial<AnswerChecks> {
  const right = [reference, answerIn(meta)].filter((text): text is string => text !== undefined && text.trim() !== '');
  if (right.length === 0) return {};
  const values = right.map(jsonValue).filter((value) => value !== undefined);
  const [said, plain] = [output.trim(), normalized(output)];
  const value = values.length > 0 ? jsonValue(output) : undefined;
  return {
    exactMatch: right.some((text) => text.trim() === said),
    normalizedMatch: right.some((text) => normalized(text) === plain),
    ...(values.length > 0 && { jsonMatch: value !== undefined && values.some((each) => sameJson(each, value)) }),
  };
}

function answerIn(meta: CheckedAnswer['meta']): string | undefined {
  const answer = meta?.answer;
  return typeof answer === 'string' || typeof answer === 'number' ? String(answer) : undefined;
}
