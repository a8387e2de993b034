import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type LedgerLine, ledgerPathFor, openLedger } from '../../src/endpoint/ledger.js';
import { ROOT } from '../cli/child.js';
import { expectLinear } from '../helpers/growth.js';

interface Line extends LedgerLine {
  readonly value?: number | string;
}

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'phasetune-ledger-'));
  path = join(folder, 'scores.ledger.jsonl');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const line = (i: number, more: Partial<Line> = {}): Line => ({ key: `key-${i}`, item: `row ${i}`, value: i, ...more });

async function fill(...lines: Line[]): Promise<void> {
  const ledger = await openLedger<Line>(path);
  for (const each of lines) await ledger.append(each);
  await ledger.close();
}

const text = () => readFileSync(path, 'utf8');

test('what was appended is found again, now and after it was opened again', async () => {
  const ledger = await openLedger<Line>(path);
  await Promise.all(Array.from({ length: 100 }, (_, i) => ledger.append(line(i))));
  expect(ledger.size).toBe(100);
  expect(ledger.get('key-42')).toEqual(line(42));
  await ledger.close();
  const again = await openLedger<Line>(path);
  for (let i = 0; i < 100; i++) expect(again.get(`key-${i}`)).toEqual(line(i));
  expect(again.get('key-100')).toBeUndefined();
  expect(again).toMatchObject({ dropped: 0, passedOver: 0, size: 100 });
  await again.close();
});

test('it is plain JSON Lines behind a line that says what it is', async () => {
  await fill(line(1, { value: 'ü\n"' }));
  expect(text()).toBe('{"schema":"phasetune/ledger","version":1}\n{"key":"key-1","item":"row 1","value":"ü\\n\\""}\n');
});

test('a line is on the disk when append resolves', async () => {
  const ledger = await openLedger<Line>(path);
  await ledger.append(line(1));
  expect(text().split('\n')).toHaveLength(3);
  await ledger.close();
});

test('a failure does not settle its key, an answer behind it does, and a failure behind that does not undo it', async () => {
  await fill(line(1, { failure: 'late' }), line(2, { failure: 'no' }), line(1), line(1, { failure: 'again' }));
  const ledger = await openLedger<Line>(path);
  expect([ledger.has('key-1'), ledger.has('key-2')]).toEqual([true, false]);
  expect(ledger.get('key-1')).toEqual(line(1));
  expect(ledger.failure('key-1')).toBeUndefined();
  expect(ledger.failure('key-2')).toEqual(line(2, { failure: 'no' }));
  await ledger.close();
});

test('of two answers under a key the last counts', async () => {
  await fill(line(1), line(1, { value: 9 }));
  const ledger = await openLedger<Line>(path);
  expect(ledger.get('key-1')!.value).toBe(9);
  await ledger.close();
});

test('cut off anywhere: what was whole is kept, the half line is cut off, and it goes on', async () => {
  await fill(line(1, { value: 'häß' }), line(2));
  const whole = readFileSync(path);
  for (let bytes = 0; bytes <= whole.length; bytes += 2) {
    writeFileSync(path, whole.subarray(0, bytes));
    const before = whole.subarray(0, bytes).toString('latin1');
    // A line that only lacks its line break is whole.
    const kept = [1, 2].filter((i) => before.includes(whole.toString('latin1').split('\n')[i]!)).length;
    const ledger = await openLedger<Line>(path);
    expect(ledger.size, `${bytes} bytes`).toBe(kept);
    await ledger.append(line(3));
    await ledger.close();
    const lines = text().trimEnd().split('\n');
    expect(lines.slice(1).map((each) => JSON.parse(each).key)).toEqual([...['key-1', 'key-2'].slice(0, kept), 'key-3']);
  }
}, 20_000);

test('lines that are none are passed over and left where they are', async () => {
  await fill(line(1));
  appendFileSync(path, '\0\0\0\0\n{"other":1}\n\n[]\nnull\n');
  await fill(line(2));
  const ledger = await openLedger<Line>(path);
  expect(ledger).toMatchObject({ passedOver: 4, size: 2 });
  expect(ledger.get('key-2')).toEqual(line(2));
  await ledger.close();
  expect(text()).toContain('{"other":1}');
});

test.each([
  ['rows', '{"id":"1","messages":[]}\n', /is not a ledger: its first line/],
  ['a text without a line break', 'my novel', /is not a ledger/],
  [
    'the ledger of a newer version',
    '{"schema":"phasetune/ledger","version":2}\n',
    /ledger version 2, this one reads 1/,
  ],
])('a file that is something else is refused and left as it is: %s', async (_, content, message) => {
  writeFileSync(path, content);
  await expect(openLedger(path)).rejects.toMatchObject({ code: 'data', message: expect.stringMatching(message) });
  expect(text()).toBe(content);
  writeFileSync(path, '');
  await (await openLedger(path)).close();
});

test('two processes on one ledger are refused, and a killed one does not keep it', async () => {
  const code = `import { openLedger } from '${ROOT}src/endpoint/ledger.ts';
    await openLedger('${path}', 'phasetune score'); console.log('open'); setInterval(() => {}, 1000);`;
  const args = ['--import', import.meta.resolve('tsx'), '--input-type=module', '-e', code];
  const child = spawn(process.execPath, args);
  await once(child.stdout, 'data');
  await expect(openLedger(path)).rejects.toMatchObject({
    code: 'failed',
    message: expect.stringMatching(
      /scores\.ledger\.jsonl is in use by process \d+ on this machine \(phasetune score\)/,
    ),
  });
  child.kill('SIGKILL');
  await once(child, 'exit');
  await (await openLedger(path)).close();
});

test('a disk that fails fails the line, and nothing half stays', async () => {
  const ledger = await openLedger<Line>(path);
  await ledger.append(line(1));
  await ledger.close();
  await expect(ledger.append(line(2))).rejects.toMatchObject({ code: 'failed' });
  truncateSync(path, readFileSync(path).length);
  const again = await openLedger<Line>(path);
  expect(again.size).toBe(1);
  await again.close();
});

test('52,002 lines open in linear time', async () => {
  const reply = { text: '{"score": 3, "reason": "two steps"}'.repeat(6), finish: 'stop' };
  const rows = Array.from({ length: 52_002 }, (_, i) => JSON.stringify({ ...line(i), key: keyOf(i), reply }));
  const write = (count: number, to: string) =>
    writeFileSync(to, `{"schema":"phasetune/ledger","version":1}\n${rows.slice(0, count).join('\n')}\n`);
  write(rows.length, path);
  const ledger = await openLedger<Line>(path);
  expect(ledger.size).toBe(52_002);
  expect(ledger.get(keyOf(51_999))!.value).toBe(51_999);
  await ledger.close();
  await expectLinear(async (count) => {
    const file = join(folder, `${count}.ledger.jsonl`);
    if (!existsSync(file)) write(count, file);
    await (await openLedger<Line>(file)).close();
  }, rows.length);
});

const keyOf = (i: number) => i.toString(16).padStart(8, '0').repeat(8);

test.each([
  ['scored.jsonl', 'scored.ledger.jsonl'],
  ['a/b.json', 'a/b.ledger.jsonl'],
  ['plain', 'plain.ledger.jsonl'],
])('the ledger of %s is %s', (out, expected) => expect(ledgerPathFor(out)).toBe(expected));
