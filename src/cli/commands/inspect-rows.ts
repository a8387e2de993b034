import * as z from 'zod';
import { encodeOptionsSchema, importOptionsSchema } from '../../data/options.js';
import { defineCommand } from '../command.js';

/** `phasetune inspect rows`: rows as the trainer sees them. */
export const inspectRows = defineCommand({
  command: 'inspect rows',
  describe: 'show rows as the trainer sees them: tokens, trained ones marked, counts and lengths',
  schema: z.strictObject({
    data: z.string().min(1).describe('file of rows, or a staged folder'),
    model: z.string().min(1).describe('Hugging Face model folder; only its tokenizer is read'),
    limit: z.number().int().min(0).default(5).describe('rows to show; the counts are over all rows'),
    ...encodeOptionsSchema.shape,
    ...importOptionsSchema.shape,
  }),
  examples: [
    ['phasetune inspect rows --data datasets/demo/raw.jsonl --model models/tiny-llama', 'the first five rows'],
    ['phasetune inspect rows --data staged --model DIR --max-length 256 --limit 0', 'counts only: what would be cut?'],
  ],
  onlyPrints: () => true,
  async run(options, { logger, print, printText, color, progress, signal }) {
    const { format, scoreField, badRows, template, trainOn, maxLength, overflow, splitSpecialTokens, templateTime } =
      options;
    const { readRecords } = await import('../../data/import.js');
    const { describeReport, encodeRows } = await import('../../data/encode-rows.js');
    const { endIdWarnings } = await import('../../tokenizer/end-ids.js');
    const { loadTokenizer } = await import('../../tokenizer/tokenizer.js');
    const { lengthHistogram, showTokens } = await import('../show-tokens.js');
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
  },
});
