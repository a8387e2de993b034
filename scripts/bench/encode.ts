/**
 * Times the encoding of rows by the model's own tokenizer and chat template, and prints a line of
 * JSON for each kind of row: rows, tokens, seconds of the clock and of the processor (all threads),
 * tokens a second of the processor.
 *
 *     npx tsx scripts/bench/encode.ts MODEL [ROWS.jsonl ...]
 *
 * Without a file, made-up conversations of the kinds that cost most: 80 pairs of one-word turns,
 * 200 rows of 20 pairs, one conversation of some 13,000 tokens, all answers trained.
 */
import { encodeRows } from '../../src/data/encode-rows.js';
import { importFile } from '../../src/data/import.js';
import { encodeOptionsSchema, importOptionsSchema } from '../../src/data/options.js';
import type { InstructionRecord, Message } from '../../src/data/record.js';
import { loadTokenizer } from '../../src/tokenizer/tokenizer.js';

const [model, ...files] = process.argv.slice(2);
if (!model) throw new Error('expected the folder of a model');

/** A conversation of so many pairs of turns, each of so many words. */
const conversation = (id: number, pairs: number, words: number): InstructionRecord => ({
  id: String(id),
  messages: Array.from({ length: 2 * pairs }, (_, i): Message => {
    const content = Array.from({ length: words }, (_, w) => (w === 0 ? `${i}` : 'word')).join(' ');
    return { role: i % 2 === 0 ? 'user' : 'assistant', content };
  }),
});

const sets: [string, readonly InstructionRecord[]][] = [
  ['80 pairs of one word', [conversation(0, 80, 1)]],
  ['200 rows of 20 pairs', Array.from({ length: 200 }, (_, i) => conversation(i, 20, 25))],
  ['one of 13,000 tokens', [conversation(0, 190, 28)]],
];
for (const file of files)
  sets.push([file, (await importFile(file, importOptionsSchema.parse({ badRows: 'skip' }))).records]);

const tokenizer = await loadTokenizer(model);
await encodeRows([conversation(0, 1, 1)], tokenizer, encodeOptionsSchema.parse({}));
for (const [what, records] of files.length > 0 ? sets.slice(3) : sets) {
  const options = encodeOptionsSchema.parse({ trainOn: files.length > 0 ? 'last' : 'all', maxLength: 1_000_000 });
  const [start, cpu] = [performance.now(), process.cpuUsage()];
  const { report } = await encodeRows(records, tokenizer, options);
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  const processorSeconds = (user + system) / 1e6;
  const { rows, tokens, trainedTokens } = report;
  const speed = Math.round(tokens / processorSeconds);
  console.log(
    JSON.stringify({ what, rows, tokens, trainedTokens, seconds, processorSeconds, tokensPerProcessorSecond: speed }),
  );
}
