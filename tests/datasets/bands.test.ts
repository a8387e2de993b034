import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const SCRIPT = fileURLToPath(new URL('../../scripts/make-bands.ts', import.meta.url));

let home: string;
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'phasetune-'));
  const rated = Array.from({ length: 40 }, (_, i) => ({
    id: String(i),
    score: i % 2 ? '4.5\n\n' : '3.5',
    data: [`Rated ${i}\nwith input`, `Answer ${i}`],
  }));
  const long = { id: 'long', score: '5', data: ['Long', 'word '.repeat(200)] };
  const empty = { id: 'empty', score: '5', data: ['Empty', ''] };
  writeFileSync(join(home, 'scored.jsonl'), [...rated, long, empty].map((row) => JSON.stringify(row)).join('\n'));
  const drawn = Array.from({ length: 30 }, (_, i) => ({
    instruction: i < 10 ? `rated ${i}` : `Drawn ${i}`,
    input: i < 10 ? 'With  input' : '',
    output: `Text ${i}`,
  }));
  writeFileSync(join(home, 'random.json'), JSON.stringify(drawn));
});
afterAll(() => rmSync(home, { recursive: true }));

function bands(rows: number) {
  const args = [
    '--scored',
    join(home, 'scored.jsonl'),
    '--random',
    join(home, 'random.json'),
    '--out',
    join(home, 'bands.jsonl'),
    '--rows',
    String(rows),
  ];
  const ended = spawnSync(process.execPath, ['--import', import.meta.resolve('tsx'), SCRIPT, ...args], {
    encoding: 'utf8',
  });
  return {
    ...ended,
    records: () =>
      readFileSync(join(home, 'bands.jsonl'), 'utf8')
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
  };
}

describe('make-bands', () => {
  it('takes as easy what was drawn and not rated, and splits the rated rows at 4.5', () => {
    const { stdout, status, records } = bands(20);
    expect(status).toBe(0);
    expect(stdout).toContain('30 random rows, 10 of them also among the 41 rated ones');
    const found = records().map(
      ({ meta, score, messages }) => `${meta.band} ${score} ${messages[0].content.split(' ')[0]}`,
    );
    expect(found.sort()).toEqual([
      ...Array(20).fill('easy 2 Drawn'),
      ...Array(20).fill('hard 4.5 Rated'),
      ...Array(20).fill('medium 3.5 Rated'),
    ]);
  });

  it('fails when a band has too few rows', () => {
    const { stderr, status } = bands(21);
    expect(status).not.toBe(0);
    expect(stderr).toContain('band easy: 20 short rows; asked for 21');
  });
});
