import { expect, it } from 'vitest';
import { escapeControls, escapeKeepingLayout } from '../../src/core/escape.js';

/** Characters by what they are, and whether a terminal may get them. */
const WRITTEN_OUT = [
  ...Array.from({ length: 0x20 }, (_, code) => code),
  ...Array.from({ length: 0x21 }, (_, i) => 0x7f + i),
  0x61c,
  0x200e,
  0x200f,
  0x2028,
  0x2029,
  ...Array.from({ length: 5 }, (_, i) => 0x202a + i),
  ...Array.from({ length: 4 }, (_, i) => 0x2066 + i),
  0xd800,
  0xdfff,
];

it.each(WRITTEN_OUT)('writes code %i out', (code) => {
  const escaped = `\\u${code.toString(16).padStart(4, '0')}`;
  expect(escapeControls(`a${String.fromCharCode(code)}b`)).toBe(`a${escaped}b`);
  const kept = code === 9 || code === 10 ? String.fromCharCode(code) : escaped;
  expect(escapeKeepingLayout(`a${String.fromCharCode(code)}b`)).toBe(`a${kept}b`);
});

it('leaves text of every script and pictures as they are', () => {
  const text = 'Grüße, 你好, नमस्ते, שלום, 👩‍👩‍👧 🏴󠁧󠁢󠁥󠁮󠁧󠁿 \u00a0 zero\u200dwidth \\u001b';
  expect(escapeControls(text)).toBe(text);
  expect(escapeKeepingLayout(text)).toBe(text);
});

it('keeps line breaks of both kinds, and no return to the beginning of a line', () => {
  expect(escapeKeepingLayout('a\r\nb\rc')).toBe('a\nb\\u000dc');
  expect(escapeControls('a\r\nb')).toBe('a\\u000d\\u000ab');
});

it('takes the same from JSON and leaves its value', () => {
  const value = { '\u009b31m': '\u202egnp.exe\u007f\u2028\ud800 \u001b]0;x\u0007' };
  const line = escapeControls(JSON.stringify(value));
  expect(line).toMatch(/^[ -~]*$/);
  expect(JSON.parse(line)).toEqual(value);
});
