import { dataError } from '../core/errors.js';
import { limitTime } from '../core/time-limit.js';
import { encodingTime, type Tokenizer } from '../tokenizer/tokenizer.js';
import type { InstructionRecord } from './record.js';

/**
 * What `work` makes of each row with the tokenizer, under one limit of time for all: setting one up takes as long as a short row. A
 * data error names the row where a pattern or a template does not come to an end.
 */
export function limitRows<T>(
  records: readonly InstructionRecord[],
  tokenizer: Tokenizer,
  work: (record: InstructionRecord) => T,
): T[] {
  const lengthOf = ({ messages }: InstructionRecord) => messages.reduce((sum, { content }) => sum + content.length, 0);
  const ms = encodingTime(records.reduce((sum, record) => sum + lengthOf(record), 0));
  let at = '';
  const each = (record: InstructionRecord) => {
    at = record.id;
    return work(record);
  };
  return limitTime(
    ms,
    () => records.map(each),
    () =>
      dataError(
        `${tokenizer.folder}: stopped at row ${at}, after ${(ms / 1000).toFixed(1)} s: a pattern of tokenizer.json or the chat template does not come to an end on it; use another tokenizer, or leave the row out`,
        { id: at },
      ),
  );
}
