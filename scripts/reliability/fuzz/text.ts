import type { Parser } from './parser.js';

/** Readers of text files. */
export const TEXT_PARSERS: readonly Parser[] = [];
