import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { run } from '../../src/cli/run.js';
import { keepSecret } from '../../src/telemetry/redact.js';
import { openTerminal } from '../../src/telemetry/terminal.js';
import { lastJson, ROOT } from './child.js';
import { TOYS } from './toys.js';

/** Runs `phasetune say` with streams that are terminals, or files. */
async function say(text: string, isTTY: boolean, ...flags: string[]) {
  const written = { out: '', err: '' };
  const stream = (name: 'out' | 'err') => ({ isTTY, columns: 200, write: (part: string) => (written[name] += part) });
  const terminal = openTerminal({ stdout: stream('out'), stderr: stream('err') });
  const code = await run(['say', '--verbose', ...flags, JSON.stringify(text)], TOYS, terminal);
  return { code, ...written };
}

/** What must not reach a terminal once the program's own styles and movements of the live line are taken out. */
const own = (text: string) =>
  text.replaceAll('\u001b[1m', '').replaceAll('\u001b[0m', '').replaceAll('\r\u001b[2K', '');
const ODD = /[^\P{C}\n\t]|[\u2028\u2029]/u;

const HOSTILE = [
  ['a colour', '\u001b[31mRED', '\\u001b[31mRED'],
  ['a style like the own one', '\u001b[1mb\u001b[0m\r\u001b[2K', '\\u001b[1mb\\u001b[0m\\u000d\\u001b[2K'],
  ['a title and a bell', '\u001b]0;owned\u0007', '\\u001b]0;owned\\u0007'],
  ['the eight-bit forms', '\u009b31m\u0090q\u009c', '\\u009b31m\\u0090q\\u009c'],
  ['rubbing out', 'a\b\u007f\u0000\u000b\u000c', 'a\\u0008\\u007f\\u0000\\u000b\\u000c'],
  ['turned text', '\u202Etxt.exe\u2066\u2069\u200f\u061c', '\\u202etxt.exe\\u2066\\u2069\\u200f\\u061c'],
  ['half a pair', '\ud83d', '\\ud83d'],
] as const;

describe.each(HOSTILE)('a text with %s', (_, text, written) => {
  it('is written out on a terminal, on either stream, in every way of printing', async () => {
    const { code, out, err } = await say(text, true);
    expect(code).toBe(0);
    expect(own(out + err)).not.toMatch(ODD);
    expect(own(out).split('\n')).toEqual([
      `print ${written}`,
      `styled ${written}`,
      `text ${written}`,
      `data ${written}`,
      '',
    ]);
    for (const line of [`info ${written}`, `warning: warn ${written}`, `debug: debug ${written}`])
      expect(own(err).split('\n')).toContainEqual(expect.stringContaining(line));
    for (const part of [`label ${written}`, `note ${written}`, `units ${written}`]) expect(err).toContain(part);
  });

  it('is written out in a file too, except in the data that the command is for', async () => {
    const { out, err } = await say(text, false);
    expect(out).toContain(`data ${text}\n`);
    expect(out.replace(`data ${text}\n`, '') + err).not.toMatch(ODD);
  });

  it('is the same in JSON, and does nothing to a terminal', async () => {
    const { out } = await say(text, true, '--json');
    expect(out).toMatch(/^[ -~]*\n$/);
    expect(lastJson(out)).toEqual({ [text]: text });
  });

  it('is written out in an error, in its stack, and in its JSON', async () => {
    const { code, out, err } = await say(`fail ${text}`, true, '--json');
    expect(code).toBe(1);
    expect(own(out + err)).not.toMatch(ODD);
    expect(err).toContain(`error: unexpected error: fail fail ${written}`);
    expect(err).toContain(`\nError: fail fail ${written}\n    at `);
  });
});

it('makes one line of what is a line, and leaves line breaks and tabs where layout is wanted', async () => {
  const { out, err } = await say('a\nwarning: b\tc\r\nd', true);
  const written = 'a\\u000awarning: b\\u0009c\\u000d\\u000ad';
  expect(own(out)).toBe(`print ${written}\nstyled ${written}\ntext a\nwarning: b\tc\nd\ndata a\nwarning: b\tc\nd\n`);
  expect(own(err)).toContain(`info ${written}\n`);
  const { out: file } = await say('a\r\nb', false);
  expect(file).toContain('data a\r\nb\n');
});

it('hides secrets on both streams before anything is cut or escaped', async () => {
  keepSecret(['\u001bsecret']);
  const stderr = { isTTY: true, columns: 24, text: '', write: (part: string) => (stderr.text += part) };
  const stdout = { text: '', write: (part: string) => (stdout.text += part) };
  const terminal = openTerminal({ stdout, stderr });
  terminal.print('a \u001bsecret');
  terminal.printData('b \u001bsecret');
  terminal.show('0123456789012345 \u001bsecret and more');
  terminal.ask('\u001bsecret? ');
  keepSecret([]);
  expect(stdout.text).toBe('a [hidden]\nb [hidden]\n');
  expect(stderr.text).not.toContain('secr');
});

it('cuts the live line by whole characters', () => {
  const stderr = { isTTY: true, columns: 25, text: '', write: (part: string) => (stderr.text += part) };
  openTerminal({ stdout: { write: () => {} }, stderr }).show('🙂'.repeat(40));
  expect(stderr.text).toBe('🙂'.repeat(24));
});

/** Source without its comments. */
const code = (path: string) => readFileSync(path, 'utf8').replace(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gm, '');

it('there is no other way to print: no file but these has the streams, their sinks, or a console', () => {
  const files = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' }).filter((f) => f.endsWith('.ts'));
  const printing = files.filter((file) =>
    /process\.(stdout|stderr)\b|\b(stdout|stderr)\b[^;]*from 'node:process'|console\.\w+\(|_rawDebug|writeSync\([12],|sinkOf\(/.test(
      code(join(ROOT, 'src', file)),
    ),
  );
  // The first two print to the process that starts them, which reads it.
  expect(printing.toSorted()).toEqual([
    'backend/native/card-libraries.ts',
    'backend/native/probe.ts',
    'telemetry/sink.ts',
    'telemetry/terminal.ts',
  ]);
});
