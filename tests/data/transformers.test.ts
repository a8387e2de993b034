import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { type EncodedOutcome, encodeBatch } from '../../src/data/encode.js';
import { importFile } from '../../src/data/import.js';
import { encodeOptionsSchema, importOptionsSchema } from '../../src/data/options.js';
import { renderRow } from '../../src/data/prompt.js';
import type { InstructionRecord } from '../../src/data/record.js';
import { loadTokenizer, type Tokenizer } from '../../src/tokenizer/tokenizer.js';
import { needs, realData, SMOLLM2, TINY } from '../helpers/tokens.js';

const DEMO = new URL('../../datasets/demo/raw.jsonl', import.meta.url).pathname;
const ALPACA = realData('alpaca-random-9k.json');
const PHASEDSFT = realData('phasedsft-alpaca52k-stage3.jsonl');

/** The hashes that scripts/reference/tokens.py wrote, six digits a row. */
const hashesOf = (name: string, key: string): string[] => {
  const file = readFileSync(new URL(`../fixtures/tokens/${name}.json.gz`, import.meta.url));
  return (JSON.parse(gunzipSync(file).toString()) as Record<string, string>)[key]!.match(/.{6}/g)!;
};

type Template = 'chat' | 'paper';
const optionsOf = (template: Template) => encodeOptionsSchema.parse({ template, maxLength: 1_000_000 });

function hashRow(record: InstructionRecord, outcome: EncodedOutcome, tokenizer: Tokenizer, template: Template): string {
  const options = optionsOf(template);
  if (!('row' in outcome)) return 'dropped';
  const { text } = renderRow(record.messages, tokenizer, options);
  const { ids, mask } = outcome.row;
  return createHash('sha256')
    .update(`${text}\0${ids.join(',')}\0${mask.join('')}`)
    .digest('hex')
    .slice(0, 6);
}

/** Ids of the rows that differ from the reference. */
const differing = async (
  records: readonly InstructionRecord[],
  expected: readonly string[],
  tokenizer: Tokenizer,
  template: Template,
) => {
  expect(records).toHaveLength(expected.length);
  const outcomes = await encodeBatch(records, tokenizer, optionsOf(template));
  const hashes = records.map((record, i) => hashRow(record, outcomes[i]!, tokenizer, template));
  return records.filter((_, i) => hashes[i] !== expected[i]).map((record) => record.id);
};

/**
 * The rows of a real file, with those that the importer leaves out for their empty answer (13 of
 * 16,118) put back, so that every row is compared.
 */
async function everyRow(path: string): Promise<InstructionRecord[]> {
  const text = readFileSync(path, 'utf8');
  const raw: { instruction?: string; input?: string; output?: string; data?: [string, string] }[] = text.startsWith('[')
    ? JSON.parse(text)
    : text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line));
  const imported = (await importFile(path, importOptionsSchema.parse({ badRows: 'skip' }))).records.values();
  return raw.map((row, i) => {
    const answer = row.data?.[1] ?? row.output!;
    if (answer.trim() !== '') return imported.next().value!;
    const question = row.data?.[0] ?? [row.instruction, row.input].filter(Boolean).join('\n');
    return {
      id: `empty-${i}`,
      messages: [
        { role: 'user', content: question },
        { role: 'assistant', content: answer },
      ],
    };
  });
}

describe.each(['chat', 'paper'] as const)(
  "text, ids and mask are transformers' on every row, %s template",
  (template) => {
    test('of the demo set, with the tokenizer of models/tiny-llama', async () => {
      const { records } = await importFile(DEMO, importOptionsSchema.parse({}));
      expect(
        await differing(records, hashesOf('demo', `demo/${template}`), await loadTokenizer(TINY), template),
      ).toEqual([]);
    });

    test.for([
      ['alpaca', ALPACA, 9229],
      ['phasedsft', PHASEDSFT, 6889],
    ] as const)('of %s, with SmolLM2', { timeout: 240_000 }, async ([key, path, rows], context) => {
      needs(context, path, SMOLLM2);
      const records = await everyRow(path);
      expect(records).toHaveLength(rows);
      expect(
        await differing(records, hashesOf('smollm2', `${key}/${template}`), await loadTokenizer(SMOLLM2), template),
      ).toEqual([]);
    });
  },
);
