import { describeReport, encodeRows } from '../../../data/encode-rows.js';
import type { EncodedRow } from '../../../data/encoded.js';
import { readRecords } from '../../../data/import.js';
import { batchOptionsSchema } from '../../../data/options.js';
import type { InstructionRecord } from '../../../data/record.js';
import { writePage } from '../../../report/make-report.js';
import { rowsPage } from '../../../report/rows/rows-page.js';
import { type RowsInput, rowsReport } from '../../../report/rows/rows-report.js';
import { formatBytes } from '../../../telemetry/format.js';
import { endIdWarnings } from '../../../tokenizer/end-ids.js';
import { loadTokenizer } from '../../../tokenizer/tokenizer.js';
import { trainOptions } from '../../../train/options.js';
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
  if (options.html !== undefined) {
    const bytes = await writeRowsPage(options.html, { options, tokenizer, records, rows, report });
    print(`page: ${options.html} (${formatBytes(bytes)})`);
  }
  return {
    rows: shown.map((row) => ({ id: row.id, ids: [...row.ids], mask: [...row.mask], trained: row.trained })),
    report,
    vocabSize: tokenizer.vocabSize,
    endIds: [...tokenizer.endIds],
    ...(options.html !== undefined && { html: options.html }),
  };
};

/** Writes the page, and returns its bytes. */
async function writeRowsPage(
  file: string,
  {
    options,
    ...found
  }: { options: OptionsOf<typeof command> } & Pick<RowsInput, 'tokenizer' | 'records' | 'rows' | 'report'>,
): Promise<number> {
  const { data, model, limit, order, smoothness, within, replay, seed, epochs, ...rest } = options;
  const page = rowsPage(
    await rowsReport({
      data,
      model,
      limit,
      ...found,
      encoding: encodingOf(options),
      batching: trainOptions.parse({ order, smoothness, within, replay, seed, epochs, ...batchingOf(rest) }),
    }),
  );
  return writePage(file, page, {
    option: 'html',
    remedies: [
      { option: 'limit', change: 'lower' },
      { option: 'maxLength', change: 'lower' },
    ],
  });
}

const batchingOf = (options: object): object =>
  Object.fromEntries(Object.entries(options).filter(([name]) => name in batchOptionsSchema.shape));

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
