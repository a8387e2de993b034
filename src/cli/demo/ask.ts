import type { InstructionRecord } from '../../data/record.js';
import { openAnswerer } from '../../eval/answer.js';
import { generateOptions } from '../../generate/options.js';
import type { CompileOptions } from '../../program/compile-options.js';
import type { CommandContext } from '../command.js';

/** A model's answer to a row, beside the row's own. */
export interface AnsweredRow {
  readonly id: string;
  readonly prompt: string;
  readonly expected: string;
  readonly answer: string;
  /** Whether both are the same text, white space around them aside. */
  readonly matches: boolean;
}

/** Who is asked, and what is shown meanwhile. */
export interface Asking {
  readonly label: string;
  readonly model: string;
  readonly adapter?: string;
  readonly compile: CompileOptions;
}

/** Tokens of an answer at most; the demo's own answers are shorter. */
const MAX_TOKENS = 32;
/** Rows that are answered together. */
const BATCH = 12;

/** Lets the model answer every row, and compares with the row's own answer. */
export async function ask(
  records: readonly InstructionRecord[],
  { label, model, adapter, compile }: Asking,
  { progress, signal }: CommandContext,
): Promise<AnsweredRow[]> {
  const conversations = records.map(({ messages }) => messages.slice(0, -1));
  const decoding = generateOptions.parse({ maxTokens: MAX_TOKENS });
  const options = { template: 'chat', batch: BATCH, decoding, compile } as const;
  const answerer = await openAnswerer(model, adapter, conversations, options);
  const bar = progress({ label, total: records.length, unit: 'questions' });
  const rows: AnsweredRow[] = [];
  let done = 0;
  try {
    for await (const { index, text } of answerer.answers(signal)) {
      const { id, messages } = records[index]!;
      const [expected, answer] = [messages.at(-1)!.content.trim(), text.trim()];
      rows[index] = { id, prompt: messages.at(-2)!.content, expected, answer, matches: answer === expected };
      // Answers come in batches: only whole ones show how long the rest takes.
      if (++done % BATCH === 0 || done === records.length) bar.update(done);
    }
  } finally {
    bar.finish();
    await answerer.close();
  }
  return rows;
}
