import type { InstructionRecord } from '../../data/record.js';
import { openModel } from '../../workflow/model.js';
import type { ModelOptions } from '../../workflow/model-options.js';
import type { CommandContext } from '../command.js';

/** A model's answer to a row, beside the row's own. */
export interface AnsweredRow {
  readonly id: string;
  readonly prompt: string;
  readonly expected: string;
  readonly answer: string;
  /** Whether both are the same text, apart from white space around them. */
  readonly matches: boolean;
}

/** Who is asked, and what is shown meanwhile. */
export interface Asking extends ModelOptions {
  readonly label: string;
  readonly model: string;
}

/** Tokens of an answer at most; the demo's own answers are shorter. */
const MAX_TOKENS = 32;
/** Rows that are answered together. */
const BATCH = 12;

/** Lets the model answer every row, and compares with the row's own answer. */
export async function ask(
  records: readonly InstructionRecord[],
  { label, model, ...options }: Asking,
  { progress, signal }: CommandContext,
): Promise<AnsweredRow[]> {
  // Without a logger: what is odd about the model is a warning of the training.
  const asked = await openModel(model, options);
  const bar = progress({ label, total: records.length, unit: 'questions' });
  const rows: AnsweredRow[] = [];
  let done = 0;
  try {
    const conversations = records.map(({ messages }) => messages.slice(0, -1));
    const decoding = { maxTokens: MAX_TOKENS, batch: BATCH };
    for await (const { index, text } of asked.answers(conversations, decoding, { signal })) {
      const { id, messages } = records[index]!;
      const [expected, answer] = [messages.at(-1)!.content.trim(), text.trim()];
      rows[index] = { id, prompt: messages.at(-2)!.content, expected, answer, matches: answer === expected };
      // Answers come in batches: only whole ones show how long the rest takes.
      if (++done % BATCH === 0 || done === records.length) bar.update(done);
    }
  } finally {
    bar.finish();
    await asked.close();
  }
  return rows;
}
