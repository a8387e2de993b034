import { describeReport, encodeRows } from '../../../data/encode-rows.js';
import type { EncodedRow } from '../../../data/encoded.js';
import { readRecords } from '../../../data/import.js';
import type { InstructionRecord } from '../../../data/record.js';
import { endIdWarnings } from '../../../tokenizer/end-ids.js';
import { loadTokenizer } from '../../../tokenizer/tokenizer.js';
import type { OptionsOf, Run } from '../../command.js';
import { lengthHistogram, showTokens } from '../../show-tokens.js';
import type { command } from './options.js';

/** See {@link command}. */
export const run: Run<typeof command> = async (options, { logger, print, printText, color, progress, signal }) => {
  const { format, scoreField, badRows, maxLength } = options;
  const tokenizer = await tokenizerOf(options);
  for (const warning of await endIdWarnings(tokenizer)) logger.warn(warning);
  const records = await readRecords(options.data, { format, scoreField, badRows }, logger);
  const bar = progress({ label: 'encode', total: records.length, unit: 'rows' });
  const { rows, report } = await encodeRows(records, tokenizer, encodingOf(options), {
    onProgress: (done) => bar.update(done),
    signal,
  }).finally(() => bar.finish());
  const recordById = new Map(records.map((record) => [record.id, record]));
  const shown = rows.slice(0, options.limit);
  for (const row of shown) {
    print(headingOf(row, recordById.get(row.id)!));
    printText(await showTokens(row, tokenizer, color));
    print('');
  }
  for (const line of describeReport(report, { maxLength })) print(line);
  print(`lengths up to ${lengthHistogram(rows.map((row) => row.ids.length))}`);
  return {
    rows: shown.map((row) => ({ id: row.id, ids: [...row.ids], mask: [...row.mask], trained: row.trained })),
    report,
    vocabSize: tokenizer.vocabSize,
    endIds: [...tokenizer.endIds],
  };
};

const tokenizerOf = ({ model, templateTime }: OptionsOf<typeof command>) =>
  loadTokenizer(model, templateTime === undefined ? {} : { now: new Date(templateTime) });

const encodingOf = ({
  template,
  trainOn,
  maxLength,
  overflow,
  splitSpecialTokens,
  badRows,
}: OptionsOf<typeof command>) => ({ template, trainOn, maxLength, overflow, splitSpecialTokens, badRows });

function headingOf(row: EncodedRow, { score, stage }: InstructionRecord): string {
  const parts = [row.id, stage && `stage ${stage}`, score !== undefined && `score ${score}`].filter(Boolean);
  return `row ${parts.join(', ')}: ${row.ids.length} tokens, ${row.trained} trained`;
}
