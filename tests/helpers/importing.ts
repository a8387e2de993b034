import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect } from 'vitest';
import type { PhasetuneError } from '../../src/core/errors.js';
import { importFile } from '../../src/data/import.js';
import { type ImportOptions, importOptionsSchema } from '../../src/data/options.js';
import { type InstructionRecord, recordSchema } from '../../src/data/record.js';

/** A folder for each test, and what importing a file in it gives and says. */
export function useImporting() {
  let folder: string;
  let warnings: string[];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'phasetune-foreign-'));
    warnings = [];
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  const short = (message: string) => message.replaceAll(`${folder}/`, '');
  const logger = { debug: () => {}, info: () => {}, warn: (message: string) => void warnings.push(short(message)) };
  const imported = async (content: string, given: Partial<ImportOptions> = {}, name = 'rows') => {
    const path = join(folder, name);
    writeFileSync(path, content);
    const result = await importFile(path, importOptionsSchema.parse(given), logger);
    for (const record of result.records) recordSchema.parse(record);
    return result;
  };
  const recordOf = async (row: unknown, given: Partial<ImportOptions> = {}): Promise<InstructionRecord> =>
    (await imported(lines(row), given)).records[0]!;
  const problemOf = (row: unknown, given: Partial<ImportOptions> = {}): Promise<string> =>
    recordOf(row, given).then(
      (record) => expect.fail(`it was read: ${JSON.stringify(record)}`),
      (error: PhasetuneError) => {
        expect(error.code).toBe('data');
        return short(error.message);
      },
    );
  return { imported, recordOf, problemOf, warnings: () => warnings };
}

/** Rows as JSON Lines. */
export const lines = (...rows: unknown[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join('');

/** Turns. */
export const user = (content: string, more: object = {}) => ({ role: 'user', content, ...more });
export const assistant = (content: string, more: object = {}) => ({ role: 'assistant', content, ...more });
export const system = (content: string) => ({ role: 'system', content });
export const QA = [user('q'), assistant('a')];
