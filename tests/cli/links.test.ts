import { linkSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { phasetune } from './in-process.js';

let home: string;
let rows: string;
const ROWS = Array.from({ length: 8 }, (_, i) =>
  JSON.stringify({ id: String(i), instruction: `Question ${i}?`, output: 'Yes.', score: i }),
).join('\n');

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'phasetune-links-'));
  rows = join(home, 'rows.jsonl');
  writeFileSync(rows, ROWS);
});
afterEach(() => rmSync(home, { recursive: true }));

/** Makes another name for a file or folder. */
const NAMES: Readonly<Record<string, (to: string) => string>> = {
  'the same path': (to) => to,
  'the same path, spelt otherwise': (to) => join(home, '..', relative(join(home, '..'), home), '.', relative(home, to)),
  'a path from here': (to) => relative(process.cwd(), to),
  'a symbolic link': (to) => {
    symlinkSync(to, join(home, 'link.jsonl'));
    return join(home, 'link.jsonl');
  },
  'a link to a link': (to) => {
    symlinkSync(to, join(home, 'first.jsonl'));
    symlinkSync('first.jsonl', join(home, 'second.jsonl'));
    return join(home, 'second.jsonl');
  },
  'a hard link': (to) => {
    linkSync(to, join(home, 'hard.jsonl'));
    return join(home, 'hard.jsonl');
  },
  'a linked folder': (to) => {
    symlinkSync(home, join(home, 'folder'));
    return join(home, 'folder', relative(home, to));
  },
};

const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  'data import': ['data', 'import'],
  'score, by length': ['score', '--scorer', 'length', '--force'],
  'score import': ['score', 'import', '--force'],
};

describe('an --out that leads to what is read', () => {
  describe.each(Object.entries(COMMANDS))('of %s', (_, command) => {
    it.each(Object.entries(NAMES))('by %s is refused', async (_name, nameOf) => {
      const out = nameOf(rows);
      const { code, err } = await phasetune(...command, rows, '--out', out);
      expect({ code, err }).toEqual({
        code: 2,
        err: expect.stringContaining(`--out: ${out} is the file that is read`),
      });
      expect(readFileSync(rows, 'utf8')).toBe(ROWS);
      // And the other way round: the link is read.
      if (out === rows) return;
      expect((await phasetune(...command, out, '--out', rows)).code).toBe(2);
      expect(readFileSync(rows, 'utf8')).toBe(ROWS);
    });
  });

  it.each(['scores.jsonl', 'scores.manifest.json', 'scores.ledger.jsonl'])(
    'with the scores of another file, and what is written beside: %s',
    async (name) => {
      const scores = join(home, name);
      writeFileSync(scores, ROWS);
      const out = join(home, 'scores.jsonl');
      const { code, err } = await phasetune('score', 'import', rows, '--from', scores, '--out', out, '--force');
      expect(code).toBe(2);
      expect(err).toMatch(/is the file that is read|is written beside .*, and it is read/);
      expect(readFileSync(scores, 'utf8')).toBe(ROWS);
    },
  );

  it('of score sample: the sheet and the guide', async () => {
    const out = join(home, 'sheet.csv');
    symlinkSync(rows, join(home, 'sheet.guide.md'));
    const sample = ['score', 'sample', rows, '--rows', '2', '--strata', '1', '--out', out, '--force'];
    expect((await phasetune(...sample)).err).toContain('sheet.guide.md is written beside');
    symlinkSync(rows, out);
    expect((await phasetune(...sample)).err).toContain('is the file that is read');
    expect(readFileSync(rows, 'utf8')).toBe(ROWS);
  });

  it('of score compare: the report and its pictures', async () => {
    const other = join(home, 'other.jsonl');
    writeFileSync(other, ROWS);
    symlinkSync(rows, join(home, 'report.json'));
    const compare = ['score', 'compare', rows, other, '--resamples', '2'];
    expect((await phasetune(...compare, '--out', join(home, 'report.json'))).err).toContain('is the file that is read');
    symlinkSync(other, join(home, 'rows-other.svg'));
    expect((await phasetune(...compare, '--plots', home)).err).toContain('rows-other.svg is written beside');
    for (const path of [rows, other]) expect(readFileSync(path, 'utf8')).toBe(ROWS);
  });

  it.each(['the same path', 'a linked folder', 'a symbolic link'])(
    'of stage: a set that is replaced, by %s',
    async (name) => {
      const staged = join(home, 'staged');
      const flags = ['--stages', '2', '--holdout', '0.25', '--out'];
      expect((await phasetune('stage', rows, ...flags, staged)).code).toBe(0);
      const before = readFileSync(join(staged, 'stage-1.jsonl'), 'utf8');
      const file = NAMES[name]!(join(staged, 'stage-1.jsonl'));
      const { code, err } = await phasetune('stage', file, ...flags, staged, '--force');
      expect({ code, err }).toEqual({
        code: 2,
        err: expect.stringContaining(`${file}, which is read, is in ${staged}, which is replaced`),
      });
      expect(readFileSync(join(staged, 'stage-1.jsonl'), 'utf8')).toBe(before);
    },
  );

  it('of model import and inspect logits: into the model that is read', async () => {
    const model = join(home, 'model');
    mkdirSync(model);
    writeFileSync(join(model, 'config.json'), '{}');
    symlinkSync(model, join(home, 'linked'));
    const imported = await phasetune('model', 'import', model, '--out', join(home, 'linked'), '--overwrite');
    expect(imported.err).toContain('which is read, is in');
    const logits = ['inspect', 'logits', '--model', model, '--ids', '1', '--device', 'cpu', '--out'];
    expect((await phasetune(...logits, join(home, 'linked', 'model.safetensors'))).err).toContain('which is read');
    expect(readFileSync(join(model, 'config.json'), 'utf8')).toBe('{}');
  });
});
