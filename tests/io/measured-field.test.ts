import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import * as z from 'zod';
import { jsonText } from '../../src/core/json-text.js';
import { writeJson } from '../../src/io/atomic.js';
import { readJson } from '../../src/io/json.js';
import { openAppender, readJsonLines, writeJsonLines } from '../../src/io/jsonl.js';
import { openKeyedLines } from '../../src/io/keyed-lines.js';
import { durationField, measuredField, shareField } from '../../src/io/manifest-fields.js';
import { temporaryFolder } from '../helpers/folder.js';

const folder = temporaryFolder('measured');
const { NaN: NAN, POSITIVE_INFINITY: MORE, NEGATIVE_INFINITY: LESS } = Number;
const schema = z.strictObject({ values: z.array(measuredField) });

test('JSON stays JSON: a number that is not finite is text that names it, at any depth', () => {
  const text = jsonText({ a: [NAN, { b: MORE }], c: LESS, d: 0.1, e: null, f: 'NaN', g: undefined });
  expect(text).toBe('{"a":["NaN",{"b":"Infinity"}],"c":"-Infinity","d":0.1,"e":null,"f":"NaN"}');
  expect(jsonText([1], 2)).toBe('[\n  1\n]');
});

test('every number comes back from every way of writing JSON', async () => {
  const numbers = fc.array(fc.oneof(fc.double(), fc.constantFrom(NAN, MORE, LESS, 0, 1e-320, Number.MAX_VALUE)));
  let files = 0;
  await fc.assert(
    fc.asyncProperty(numbers, async (values) => {
      const name = join(folder, String(files++));
      // JSON has no -0.
      const expected = values.map((value) => value + 0);
      await writeJson(`${name}.json`, { values });
      expect(await readJson(`${name}.json`, schema)).toEqual({ values: expected });
      await writeJsonLines(`${name}.jsonl`, [{ values }]);
      const log = await openAppender(`${name}.jsonl`);
      await log.append({ values });
      await log.close();
      for await (const { value } of readJsonLines(`${name}.jsonl`))
        expect(schema.parse(value).values).toEqual(expected);
      const format = { head: {}, checkHead: () => {}, keyOf: () => ({ key: 'k', settles: true }) };
      const ledger = await openKeyedLines(`${name}.ledger.jsonl`, format);
      await ledger.append({ key: 'k', settles: true, value: { values } });
      expect(schema.parse(ledger.get('k')).values).toEqual(expected);
      await ledger.close();
    }),
    { numRuns: 25, seed: 1 },
  );
});

test('null, as earlier versions wrote it, is NaN; anything else is refused with what is expected', () => {
  expect(measuredField.parse(null)).toBeNaN();
  for (const wrong of ['nan', '1', '', true, [], {}, undefined])
    expect(measuredField.safeParse(wrong).error?.issues[0]?.message).toBe(
      'expected a number, "NaN", "Infinity" or "-Infinity"',
    );
});

test('bounds hold for numbers, not for NaN', () => {
  expect(durationField.parse('NaN')).toBeNaN();
  expect(durationField.parse('Infinity')).toBe(MORE);
  expect(shareField.parse(null)).toBeNaN();
  expect([durationField.safeParse(-1), shareField.safeParse(1.1)].map(({ success }) => success)).toEqual([
    false,
    false,
  ]);
});
