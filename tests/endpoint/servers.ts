import { readFileSync } from 'node:fs';
import * as z from 'zod';

const caseSchema = z.strictObject({
  server: z.string(),
  /** What was tried. */
  tried: z.string(),
  status: z.number().int(),
  headers: z.record(z.string(), z.string()).optional(),
  body: z.unknown(),
  kind: z.string(),
  next: z.enum(['retry', 'wait', 'load', 'skip', 'refused', 'stop']),
  afterMs: z.number().optional(),
  /** Where the structure was looked up: a page, a report, or a row of the table of cases. */
  source: z.string().min(1),
});

/** An answer without a reply as a server gives it, and what it means. */
export type ServerCase = z.infer<typeof caseSchema>;

/** When all of it happens. */
export const NOW = Date.parse('2026-01-01T00:00:00Z');

/**
 * What servers are known to answer in place of a reply: statuses, headers and fields as they have
 * them, with words of our own where theirs do not matter, and sentences of theirs where nothing
 * else gives the reason.
 */
export const SERVER_CASES: readonly ServerCase[] = readFileSync(
  new URL('../fixtures/endpoint-answers.jsonl', import.meta.url),
  'utf8',
)
  .trim()
  .split('\n')
  .map((line) => caseSchema.parse(JSON.parse(line)));
