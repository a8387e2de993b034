import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { rowsOf } from '../helpers/rows.js';

/** Written by scripts/reference/row_files.py. */
const FOLDER = 'tests/fixtures/row-files';
const expected = JSON.parse(readFileSync(`${FOLDER}/expected.json`, 'utf8')) as Record<string, unknown[]>;
const files = readdirSync(FOLDER).filter((name) => name !== 'expected.json');

describe('files of rows that Python wrote', () => {
  it.each(files)('%s says what Python says', async (name) => {
    const rows = expected[name.split(/-|\./)[0]!] ?? expected[name.split('.')[0]!];
    expect(rows).toBeDefined();
    expect((await rowsOf(`${FOLDER}/${name}`)).map(({ value }) => value)).toEqual(rows);
  });
});
