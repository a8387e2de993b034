import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { attempt, fileAt } from '../../scripts/reliability/fuzz/attempt.js';
import { keptBytes, keptCases, keptParsers } from '../../scripts/reliability/fuzz/corpus.js';
import { fuzzParser } from '../../scripts/reliability/fuzz/fuzz-parser.js';
import { PARSERS } from '../../scripts/reliability/fuzz/parsers.js';

const folder = mkdtempSync(join(tmpdir(), 'fuzz-test-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Another seed than the script's own, so that the two see other files. */
const SEED = 2;
const FILES = 120;

describe.each(PARSERS)('$name', (parser) => {
  it('takes its own seeds', async () => {
    for (const seed of await parser.seeds())
      expect(await attempt(parser, seed, seed.bytes, join(folder, 'files'))).toMatchObject({ outcome: 'accepted' });
  });

  it(`takes or refuses ${FILES} mutated files, with one line and nothing left behind`, async () => {
    const seeds = await parser.seeds();
    const found = { accepted: 0, refused: 0 };
    for (let i = 0; i < FILES; i++) {
      const { seed, bytes } = fileAt(parser, seeds, SEED, i);
      const { outcome, error } = await attempt(parser, seed, bytes, join(folder, 'files'));
      if (outcome === 'crash') expect.fail(`file ${i} of seed ${SEED}: ${error}`);
      found[outcome]++;
    }
    expect(found.refused).toBeGreaterThan(0);
    expect(found.accepted).toBeGreaterThan(0);
  });
});

describe('files that were found once', () => {
  const cases = keptParsers().flatMap((name) => keptCases(name).map((kept) => ({ name, kept, file: kept.file })));

  it.each(cases)('$name $file', async ({ name, kept }) => {
    const parser = PARSERS.find((p) => p.name === name)!;
    const seed = (await parser.seeds())[kept.seed]!;
    const { outcome, error } = await attempt(parser, seed, keptBytes(name, kept), join(folder, 'files'));
    expect(kept.expected, 'expected: say in cases.json what must come of it').not.toBe('');
    if (kept.expected === 'accepted') expect(outcome).toBe('accepted');
    else expect([outcome, error]).toEqual(['refused', expect.stringContaining(kept.expected)]);
  });
});

describe('the harness', () => {
  const table = new URL('./bad-parsers.ts', import.meta.url).href;
  const run = (name: string, count = 1, hangMs = 400) => fuzzParser(name, { count, seed: 1, table, hangMs });

  it.each([
    ['throws', 'TypeError: x is not a function'],
    ['fails', 'code failed: PhasetuneError: cannot write'],
    ['litters', 'left behind: found x.bin,x.bin.tmp'],
    ['exits', 'ended by SIGABRT'],
  ])('counts a parser that %s as crashed at every file, and says why', async (name, error) => {
    const { figures, findings } = await run(name, 2);
    expect(figures).toMatchObject({ files: 2, crashes: 2, hangs: 0, accepted: 0, refused: 0 });
    expect(findings[0]).toMatchObject({ index: 0, error: expect.stringContaining(error) });
  });

  it.each(['hangs', 'waits'])('ends a parser that %s, and says so', async (name) => {
    const { figures, findings } = await run(name);
    expect(figures).toMatchObject({ files: 1, crashes: 0, hangs: 1 });
    expect(findings).toEqual([{ index: 0, error: 'over 400 ms' }]);
  });

  it('sees the memory that a file takes', async () => {
    expect((await run('hoards', 1, 20_000)).figures.peak_rss_mib).toBeGreaterThan(400);
  });

  it('makes a file that crashes smaller', async () => {
    const { findings } = await run('throws');
    expect(findings[0]!.bytes).toHaveLength(0);
  });
});
