import { jsonText } from '../../core/json-text.js';
import { writeFileAtomic } from '../../io/atomic.js';
import { exists, readText } from '../../io/files.js';
import { checkAnswer } from '../checks/checks.js';
import { type EvalRow, instructionText } from '../sets/eval-row.js';
import type { AnswerRow, ReferenceLoss, StageLoss } from './answer-row.js';

/** An answer, wherever it comes from. */
export interface FoundAnswer {
  readonly output: string;
  /** Its tokens where they are known, else how many they are where that is known. */
  readonly ids?: readonly number[] | undefined;
  readonly tokens?: number | undefined;
  readonly finish?: 'stop' | 'length' | undefined;
  readonly loss?: ReferenceLoss | undefined;
  readonly key: string;
}

const isOneTurn = ({ messages }: EvalRow): boolean => messages.length === 1 && messages[0]!.role === 'user';

/** The line of a file of answers, with what the local checks find. */
export function answerRow(row: EvalRow, { output, ids, tokens, finish, loss, key }: FoundAnswer): AnswerRow {
  const instruction = instructionText(row);
  const { id, reference, score, band, meta } = row;
  const count = ids?.length ?? tokens;
  return {
    id,
    instruction,
    ...(!isOneTurn(row) && { messages: row.messages }),
    output,
    ...(count !== undefined && { tokens: count }),
    ...(finish !== undefined && { finish }),
    ...(score !== undefined && { score }),
    ...(band !== undefined && { band }),
    ...(reference !== undefined && { reference }),
    ...(loss && { loss }),
    checks: checkAnswer({ instruction, output, reference, finish, ids, meta }),
    key,
  };
}

/**
 * Writes lines atomically, in their order; a file that has them already stays as it is. Returns whether it was
 * written.
 */
export async function writeLines(path: string, rows: readonly (AnswerRow | StageLoss)[]): Promise<boolean> {
  const text = rows.map((row) => `${jsonText(row)}\n`).join('');
  if (exists(path) && (await readText(path).catch(() => undefined)) === text) return false;
  await writeFileAtomic(path, text);
  return true;
}
