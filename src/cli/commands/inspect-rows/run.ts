import { describeReport, encodeRows } from '../../../data/encode-rows.js';
import { readRecords } from '../../../data/import.js';
import { endIdWarnings } from '../../../tokenizer/end-ids.js';
import { loadTokenizer } from '../../../tokenizer/tokenizer.js';
import type { Run } from '../../command.js';
import { lengthHistogram, showTokens } from '../../show-tokens.js';
import type { command } from './options.js';

/** See {@link command}. */
export const run: Run<typeof command> = async (options, { logger, print, printText, color, progress, signal }) => {
  const { format, scoreField, badRows, template, trainOn, maxLength, overflow, splitSpecialTokens, templateTime } =
    options;
  const tokenizer = await loadTokenizer(
    options.model,
    templateTime === undefined ? {} : { now: new Date(templateTime) },
  );
  for (const warning of await endIdWarnings(tokenizer)) logger.warn(warning);
  const records = await readRecords(options.data, { format, scoreField, badRows }, logger);
  const bar = progress({ label: 'encode', total: records.length, unit: 'rows' });
  const { rows, report } = await encodeRows(
    records,
    tokenizer,
    { template, trainOn, maxLength, overflow, splitSpecialTokens, badRows },
    {
      onProgress: (done) => bar.update(done),
      signal,
    },
  ).finally(() => bar.finish());
  const byId = new Map(records.map((record) => [record.id, record]));
  const shown = rows.slice(0, options.limit);
  for (const row of shown) {
    const { score, stage } = byId.get(row.id)!;
    const about = [stage && `stage ${stage}`, score !== undefined && `score ${score}`].filter(Boolean);
    print(`row ${[row.id, ...about].join(', ')}: ${row.ids.length} tokens, ${row.trained} trained`);
    printText(await showTokens(row, tokenizer, color));
    print('');
  }
  const lengths = rows.map((row) => row.ids.length);
  for (const line of describeReport(report, { maxLength })) print(line);
  print(`lengths up to ${lengthHistogram(lengths)}`);
  return {
    rows: shown.map((row) => ({ id: row.id, ids: [...row.ids], mask: [...row.mask], trained: row.trained })),
    report,
    vocabSize: tokenizer.vocabSize,
    endIds: [...tokenizer.endIds],
  };
};
