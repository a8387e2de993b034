import { BINARY_PARSERS } from './binary.js';
import type { Parser } from './parser.js';
import { TEXT_PARSERS } from './text.js';

/** Everything that is fuzzed. */
export const PARSERS: readonly Parser[] = [...BINARY_PARSERS, ...TEXT_PARSERS];
