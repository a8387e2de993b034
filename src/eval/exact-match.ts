import type { EncodeOptions } from '../data/options.js';
import type { InstructionRecord } from '../data/record.js';
import { generate } from '../generate/generate.js';
import type { GenerateOptions } from '../generate/options.js';
import { type DecodePlan, planDecode } from '../generate/plan.js';
import type { Program } from '../program/program.js';
import type { Tokenizer } from '../tokenizer/tokenizer.js';
import { promptIds } from './prompt-ids.js';

/** A model's answer to a row, beside the row's own. `index` is the row's place. */
export interface AnsweredRow {
  readonly index: number;
  readonly id: string;
  readonly prompt: string;
  readonly expected: string;
  readonly answer: string;
  /** Whether both are the same text but for white space around them. */
  readonly matches: boolean;
}

/** Rows whose answers are compared, ready to be asked again and again, and what decoding them needs. */
export interface ExactMatchPlan {
  readonly records: readonly InstructionRecord[];
  readonly decoding: DecodePlan;
}

/** Plans {@link exactMatch} over rows that end with an answer, at most `batch` of them together. */
export async function planExactMatch(
  records: readonly InstructionRecord[],
  tokenizer: Tokenizer,
  template: EncodeOptions['template'],
  { batch, options }: { batch: number; options: GenerateOptions },
): Promise<ExactMatchPlan> {
  const conversations = records.map(({ messages }) => messages.slice(0, -1));
  const prompts = await promptIds(conversations, tokenizer, template);
  return { records, decoding: planDecode(prompts, options, batch) };
}

/**
 * Lets the model answer every row, and compares: batch by batch, rows with short questions first. The program must hold
 * `generateSpec` of the decoding plan. Throws the reason of `signal` between two tokens.
 */
export async function* exactMatch(
  program: Program,
  { records, decoding }: ExactMatchPlan,
  tokenizer: Tokenizer,
  signal?: AbortSignal,
): AsyncGenerator<AnsweredRow> {
  for await (const { index, ids } of generate(program, decoding, [...tokenizer.endIds], signal)) {
    const { id, messages } = records[index]!;
    const answer = (await tokenizer.decode(ids, { skipSpecialTokens: true })).trim();
    const expected = messages.at(-1)!.content.trim();
    yield { index, id, prompt: messages.at(-2)!.content, expected, answer, matches: answer === expected };
  }
}
