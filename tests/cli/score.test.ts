import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { readScoresManifest } from '../../src/scoring/scored.js';
import type { Asked, Behaviour, Endpoint } from '../helpers/endpoint-server.js';
import { startEndpoint } from '../helpers/endpoint-server.js';
import { lastJson, ROOT, startPhasetune } from './child.js';
import { phasetune } from './in-process.js';

const home = mkdtempSync(join(tmpdir(), 'phasetune-'));
afterAll(() => rmSync(home, { recursive: true }));

const KEY = 'sk-test-0123456789abcdefghij';
let server: Endpoint;
let does: (asked: Asked) => Behaviour | Promise<Behaviour>;
let [n, out] = [0, ''];
beforeEach(async () => {
  out = join(home, `out-${n++}.jsonl`);
  does = ({ item }) => ({ text: `{"score": ${1 + (Number(item.slice(5)) % 5)}}` });
  server = await startEndpoint({ script: (asked) => does(asked) });
  vi.stubEnv('OPENAI_API_KEY', KEY);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await server.close();
});

/** A file of Alpaca rows, the last of which is like the first. */
const rowsFile = (rows = 20) => {
  const path = join(home, `rows-${rows}.json`);
  const row = (i: number) => ({
    instruction: `Do item-${i % (rows - 1)} now`,
    input: '',
    output: `Done ${i % (rows - 1)}.`,
  });
  writeFileSync(path, JSON.stringify(Array.from({ length: rows }, (_, i) => row(i))));
  return path;
};
const score = (...args: string[]) =>
  phasetune('score', rowsFile(), '--out', out, '--base-url', server.baseUrl, '--model', 'judge', ...args);
const scored = () =>
  readFileSync(out, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { id: string; score?: number; meta: { score: Record<string, unknown> } });

/** A file in which this server's model costs money: a dollar for a thousand tokens of a reply. */
const prices = (): string[] => {
  const path = join(home, 'prices.json');
  const entry = { model: 'judge', input: 0, output: 1000 };
  writeFileSync(path, JSON.stringify({ schema: 'phasetune/prices', version: 1, date: '2026-01-01', prices: [entry] }));
  return ['--prices', path];
};

describe('phasetune score', () => {
  it('writes scored rows in their order, a manifest, and tells what comes next', async () => {
    const { code, out: told, err } = await score();
    expect(code).toBe(0);
    expect(scored().map((row) => row.score)).toEqual(Array.from({ length: 20 }, (_, i) => 1 + ((i % 19) % 5)));
    expect(scored()[0]!.meta.score).toEqual({ scorer: 'openai' });
    expect(server.requests).toHaveLength(19);
    expect(server.requests[0]!.headers.authorization).toBe(`Bearer ${KEY}`);
    expect(err).toContain('20 rows, 1 of them equal to another one; rubric difficulty-1-5, version 1');
    expect(err).toContain('19 requests to judge at 127.0.0.1:');
    expect(err).toContain('counted as free, since 127.0.0.1');
    expect(err).toMatch(/judge: 19 questions in /);
    expect(told).toMatch(/^1 {2}█+ 5\n2 {2}█+ 4\n/m);
    expect(told).toContain(`20 of 20 rows scored: ${out}\n`);
    expect(told).toContain(`next: phasetune stage ${out} --out datasets/staged/out-`);
    expect(await readScoresManifest(out)).toMatchObject({
      scorer: 'openai',
      options: { model: 'judge', baseUrl: server.baseUrl, repeats: 1, temperature: 0 },
      rubric: { name: 'difficulty-1-5', version: '1' },
      counts: { rows: 20, scored: 20, unscored: 0 },
      scores: { min: 1, max: 5 },
      failures: [],
    });
    const again = await score();
    expect(again.code).toBe(0);
    expect(again.err).toContain('19 of 19 replies are already in the ledger');
    expect(server.requests).toHaveLength(19);
  });

  it('keeps the key out of everything', async () => {
    does = ({ n, headers }) => (n === 0 ? { text: `your key is ${headers.authorization}` } : { text: '3' });
    const { out: told, err } = await score('--json', '--verbose');
    const files = ['.jsonl', '.manifest.json', '.ledger.jsonl'].map((end) =>
      readFileSync(out.replace('.jsonl', end), 'utf8'),
    );
    for (const text of [told, err, ...files]) expect(text).not.toContain(KEY.slice(8));
  });

  it('tells each reason for rows without a score, keeps those rows, and ends with 4', async () => {
    does = ({ item }) =>
      item === 'item-3' ? '400' : item === 'item-5' || item === 'item-6' ? { text: '3 or 4' } : { text: '2' };
    const { code, err, out: told } = await score('--tries', '1');
    expect(code).toBe(4);
    expect(err).toContain('2 without a score, unreadable; the first is row');
    expect(err).toContain('it may mean several things: "3 or 4"');
    expect(err).toContain('1 without a score, too-long; the first is row');
    expect(err).toMatch(/error: 3 of 20 rows have no score \(unreadable 2, too-long 1\); the others are in /);
    expect(told).toContain('17 of 20 rows scored');
    const rows = scored();
    expect(rows).toHaveLength(20);
    expect(rows[3]).not.toHaveProperty('score');
    expect(rows[5]!.meta.score).toEqual({ scorer: 'openai', failure: expect.stringContaining('3 or 4') });
    const manifest = (await readScoresManifest(out))!;
    expect(manifest.reasons).toEqual({ unreadable: 2, 'too-long': 1 });
    expect(manifest.failures.map(({ id }) => id)).toEqual([rows[3]!.id, rows[5]!.id, rows[6]!.id]);
    does = () => ({ text: '2' });
    expect((await score()).code).toBe(0);
    expect(server.requests).toHaveLength(19 + 3);
  });

  it('ends at once where the key is refused, with the endpoint at fault', async () => {
    does = () => '401';
    const { code, err } = await score('--concurrency', '1');
    expect(code).toBe(4);
    expect(err).toMatch(/error: .*key/);
    expect(server.requests).toHaveLength(1);
    expect(existsSync(out)).toBe(false);
  });

  it('asks nothing that costs money without consent where nobody sits at a terminal', async () => {
    const { code, err } = await score(...prices());
    expect(code).toBe(2);
    expect(err).toMatch(/about \$0\.19; at most \$4\.86, .* \(prices of 2026-01-01\)/);
    expect(err).toContain(
      'error: this may cost about $0.19; no request was sent yet; set --yes to agree, or set --max-cost to limit it',
    );
    expect(server.requests).toHaveLength(0);
    expect(readdirSync(home).filter((name) => out.includes(name.replace('.ledger', '')))).toEqual([]);
    expect((await score(...prices(), '--yes')).code).toBe(0);
    expect((await score(...prices())).code).toBe(0);
  });

  it('takes a --max-cost that covers it for consent, and stops before a smaller one is exceeded', async () => {
    expect((await score(...prices(), '--max-cost', '0.05')).code).toBe(2);
    does = () => ({ text: '2', usage: { prompt_tokens: 1, completion_tokens: 10 } });
    const stopped = await score(...prices(), '--max-cost', '0.05', '--yes', '--max-tokens', '10', '--concurrency', '1');
    expect(stopped.code).toBe(4);
    expect(stopped.err).toContain('stopped before --max-cost of $0.05 could be exceeded');
    expect(stopped.err).toContain('not-asked 14');
    expect(stopped.err).toContain('again with a larger --max-cost to ask for the missing ones');
    expect(server.requests).toHaveLength(5);
    expect((await score(...prices(), '--max-cost', '1')).code).toBe(0);
    expect(server.requests).toHaveLength(19);
  });

  it('says what was spent, also where it ends by an error', async () => {
    does = ({ n }) => (n < 3 ? { text: '2', usage: { prompt_tokens: 1, completion_tokens: 10 } } : '402');
    const { code, err } = await score(...prices(), '--yes', '--concurrency', '1');
    expect(code).toBe(4);
    expect(err).toContain('this run spent $0.03\n');
    does = ({ n }) =>
      n < 6 ? { text: '2', usage: { prompt_tokens: 1, completion_tokens: 10 } } : '400 content filter';
    const { out: told } = await score(...prices(), '--yes', '--concurrency', '1', '--json');
    const { error } = JSON.parse(told);
    expect(error).toMatchObject({
      code: 'endpoint',
      scored: 6,
      unscored: 14,
      ledger: out.replace(/\.jsonl$/, '.ledger.jsonl'),
    });
    expect(error.cost).toBeCloseTo(0.02, 9);
  });

  it('names the file of prices that has no price of the model', async () => {
    const path = join(home, 'other-prices.json');
    writeFileSync(path, JSON.stringify({ schema: 'phasetune/prices', version: 1, date: '2026-01-01', prices: [] }));
    const { code, err } = await score('--prices', path, '--max-cost', '1');
    expect(code).toBe(2);
    expect(err).toContain(`also not in ${path}; add one there`);
  });

  it('refuses --max-cost where nobody knows what tokens cost', async () => {
    const { code, err } = await phasetune(
      'score',
      rowsFile(),
      '--out',
      out,
      '--model',
      'nobody-knows',
      '--max-cost',
      '1',
    );
    expect(code).toBe(2);
    expect(err).toContain('error: --max-cost needs the price of tokens');
  });

  it('shows what it would ask in a dry run, without a key, and leaves nothing behind', async () => {
    vi.stubEnv('OPENAI_API_KEY', '');
    const {
      code,
      out: told,
      err,
    } = await phasetune('score', rowsFile(), '--out', out, '--model', 'gpt-4o-mini', '--dry-run');
    expect({ code, requests: server.requests.length }).toEqual({ code: 0, requests: 0 });
    expect(err).toMatch(/19 requests to gpt-4o-mini at api\.openai\.com, about [\d,]+ tokens/);
    expect(told).toMatch(/--- system\nYou rate/);
    expect(told).toContain('{"instruction":"Do item-0 now","answer":"Done 0."}');
    expect(existsSync(out.replace('.jsonl', '.ledger.jsonl'))).toBe(false);
  });

  it('parses the ledger again without asking', async () => {
    does = ({ item }) => ({ text: item === 'item-2' ? 'who knows' : '2' });
    expect((await score()).code).toBe(4);
    const { code } = await phasetune('score', rowsFile(), '--out', out, '--model', 'judge', '--reparse');
    expect(code).toBe(4);
    expect(scored().filter((row) => row.score === 2)).toHaveLength(19);
    expect(server.requests).toHaveLength(19);
    const ledger = out.replace('.jsonl', '.ledger.jsonl');
    writeFileSync(ledger, readFileSync(ledger, 'utf8').replace('who knows', 'Score: 5'));
    expect((await phasetune('score', rowsFile(), '--out', out, '--model', 'judge', '--reparse')).code).toBe(0);
    expect(scored()[2]!.score).toBe(5);
    const nothing = await phasetune(
      'score',
      rowsFile(),
      '--out',
      join(home, 'no.jsonl'),
      '--model',
      'judge',
      '--reparse',
    );
    expect(nothing).toMatchObject({ code: 2, err: expect.stringContaining('there is no ledger of replies at') });
  });

  it('refuses to replace what it did not make, and to write over its input', async () => {
    writeFileSync(out, 'mine\n');
    expect(await score()).toMatchObject({ code: 2, err: expect.stringContaining('was not made by scoring') });
    expect(readFileSync(out, 'utf8')).toBe('mine\n');
    expect((await score('--force')).code).toBe(0);
    out = rowsFile();
    expect(await score()).toMatchObject({ code: 2, err: expect.stringContaining('is the file that is read') });
    expect(server.requests).toHaveLength(19);
  });

  it('reads its options from a recipe', async () => {
    const config = join(home, 'judge.yaml');
    writeFileSync(config, `baseUrl: ${server.baseUrl}\nmodel: judge\nrubric: difficulty-1-10\nrepeats: 2\n`);
    does = () => ({ text: '{"score": 10}' });
    const { code, out: told } = await phasetune('score', rowsFile(), '--out', out, '--config', config, '--json');
    expect(code).toBe(0);
    expect(lastJson(told)).toMatchObject({
      rows: 20,
      scored: 20,
      scores: { min: 10, max: 10 },
      asked: { answered: 38 },
    });
  });

  it('saves and ends with 130 on an interrupt, and goes on from there; without TensorFlow', async () => {
    const env = {
      NODE_OPTIONS: `--import ${ROOT}tests/cli/without-tensorflow.mjs`,
      OPENAI_API_KEY: KEY,
    };
    const args = [
      'score',
      rowsFile(),
      '--out',
      out,
      '--base-url',
      server.baseUrl,
      '--model',
      'judge',
      '--concurrency',
      '2',
    ];
    const started = startPhasetune(args, { env });
    does = async ({ n }) => {
      if (n === 5) started.child.kill('SIGINT');
      if (n >= 5) await new Promise((resolve) => setTimeout(resolve, 50));
      return { text: '2' };
    };
    const { code, err } = await started.ended;
    expect(code, err).toBe(130);
    expect(err).toMatch(
      /interrupted: \d+ replies of this run are in .* again with the same options to continue from there/,
    );
    expect(existsSync(out)).toBe(false);
    const asked = server.requests.length;
    expect(asked).toBeLessThan(12);
    expect((await score()).code).toBe(0);
    expect([...server.counts.values()].filter((times) => times > 1).length).toBeLessThanOrEqual(2);
    expect(server.counts.size).toBe(19);
  });
});
