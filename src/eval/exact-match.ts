import type { EncodeOptions } from '../data/options.js';
import type { InstructionRecord } from '../data/record.js';
import type { CacheShape } from '../generate/cache.js';
import { cacheShape, generate } from '../generate/generate.js';
import type { GenerateOptions } from '../generate/options.js';
import type { Program } from '../program/program.js';
import type { Tokenizer } from '../tokenizer/tokenizer.js';
import { promptIds } from './answer.js';

/** A model's answer to a row, beside the row's own. */
export interface AnsweredRow {
  readonly id: string;
  readonly prompt: string;
  readonly expected: string;
  readonly answer: string;
  /** Whether both are the same text but for white space around them. */
  readonly matches: boolean;
}

/** Rows whose answers are compared, ready to be asked again and again, and the cache that decoding them needs. */
export interface ExactMatchPlan {
  readonly records: readonly InstructionRecord[];
  readonly prompts: readonly Int32Array[];
  readonly shape: CacheShape;
  readonly options: GenerateOptions;
}

/** Plans {@link exactMatch} over rows that end with an answer, `batch` of them together. */
export function planExactMatch(
  records: readonly InstructionRecord[],
  tokenizer: Tokenizer,
  template: EncodeOptions['template'],
  { batch, options }: { batch: number; options: GenerateOptions },
): ExactMatchPlan {
  const prompts = records.map(({ messages }) => promptIds(messages.slice(0, -1), tokenizer, template));
  return { records, prompts, shape: cacheShape(prompts, options.maxTokens, batch), options };
}

/** Lets the model answer every row, and compares. The program must hold `generateSpec` of the plan's shape. */
export async function* exactMatch(
  program: Program,
  { records, prompts, shape, options }: ExactMatchPlan,
  tokenizer: Tokenizer,
): AsyncGenerator<AnsweredRow> {
  let i = 0;
  for await (const { ids } of generate(program, shape, prompts, [...tokenizer.endIds], options)) {
    const { id, messages } = records[i++]!;
    const answer = tokenizer.decode(ids, { skipSpecialTokens: true }).trim();
    const expected = messages.at(-1)!.content.trim();
    yield { id, prompt: messages.at(-2)!.content, expected, answer, matches: answer === expected };
  }
}
