import { writeFileSync } from 'node:fs';
import type { Parser } from '../../scripts/reliability/fuzz/parser.js';
import { PhasetuneError } from '../../src/core/errors.js';

const parser = (name: string, open: Parser['open']): Parser => ({
  name,
  seeds: () => [{ file: 'x.bin', bytes: Uint8Array.from({ length: 64 }, (_, i) => i) }],
  mutations: [],
  open,
});

/** Parsers that do all that a parser must not. */
export const PARSERS: readonly Parser[] = [
  parser('throws', () => Promise.reject(new TypeError('x is not a function'))),
  parser('fails', () => Promise.reject(new PhasetuneError('failed', 'cannot write'))),
  parser('litters', async (path) => writeFileSync(`${path}.tmp`, '')),
  parser('exits', () => process.abort()),
  parser('hangs', () => {
    for (;;);
  }),
  parser('waits', () => new Promise((resolve) => setTimeout(resolve, 60_000))),
  parser('hoards', async () => {
    new Uint8Array(400 << 20).fill(1);
  }),
];
