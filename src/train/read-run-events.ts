import { join } from 'node:path';
import * as z from 'zod';
import { dataError } from '../core/errors.js';
import { isJson } from '../core/json-text.js';
import { show } from '../core/shown.js';
import { ORDER_NAMES } from '../curriculum/options.js';
import { readChunks } from '../io/chunks.js';
import { exists } from '../io/files.js';
import { checkSchema } from '../io/json.js';
import { parseLine } from '../io/json-rows.js';
import { splitLines } from '../io/json-split.js';
import { durationField, measuredField } from '../io/manifest-fields.js';
import {
  bandSchema,
  count,
  lossRowSchema,
  originSchema,
  rowLedgerSchema,
  savedSchema,
  stageSummarySchema,
} from './outcome.js';
import type { LoggedEvent } from './run-history.js';

const summary = stageSummarySchema.shape;
const bands = z.array(z.object(bandSchema.shape));

/** What the lines of each type must have besides it; fields that are not known are left out. */
const FIELDS = {
  run: z.object({ order: z.enum(ORDER_NAMES), seed: count, stages: z.array(z.object(summary)), bands }),
  stage: z.object({ ...summary, stages: count, origin: originSchema }),
  step: z.object({
    stage: count,
    step: count,
    steps: count,
    epoch: z.number(),
    loss: measuredField,
    learningRate: measuredField,
    gradNorm: measuredField,
    tokens: count,
    trainedTokens: count,
    seconds: durationField,
    tokensPerSecond: measuredField,
  }),
  eval: z.object({
    stage: count,
    step: count,
    losses: z.array(measuredField),
    all: measuredField,
    best: z.boolean(),
    seconds: durationField,
  }),
  checkpoint: z.object({
    stage: count,
    step: count,
    kind: z.enum(['begin', 'step', 'end', 'interrupted']),
    path: z.string(),
    sha256: z.string(),
  }),
  spike: z.object({
    stage: count,
    step: count,
    action: z.enum(['stop', 'skip', 'rollback']),
    loss: measuredField,
    lossLimit: measuredField,
    gradNorm: measuredField,
    rows: z.array(z.string()),
  }),
  'stage-end': z.object({
    stage: count,
    row: lossRowSchema.optional(),
    consumed: rowLedgerSchema,
    seconds: durationField,
    tokensPerSecond: measuredField.optional(),
  }),
  'run-end': z.object({
    adapter: savedSchema,
    matrix: z.object({ bands, rows: z.array(lossRowSchema) }).optional(),
    seconds: durationField,
  }),
};

const EVENTS: ReadonlyMap<string, z.ZodType> = new Map(
  Object.entries(FIELDS).map(([type, fields]) => [
    type,
    fields.extend({ time: z.iso.datetime(), type: z.literal(type) }),
  ]),
);
const head = z.object({ type: z.string() });

/**
 * A parsed line of `events.jsonl`, checked; numbers that are not finite, which JSON has no form for, are numbers
 * again. A data error that begins with `where`, such as `events.jsonl:12`, for anything else.
 */
export function parseRunEvent(value: unknown, where: string): LoggedEvent {
  const schema = EVENTS.get((value as { type?: string } | null)?.type ?? '');
  if (schema) return checkSchema(value, schema, where) as LoggedEvent;
  const { type } = checkSchema(value, head, where);
  throw dataError(
    `${where}: unknown event ${show(type)}; expected one of ${[...EVENTS.keys()].join(', ')} (was it written by a newer version?)`,
    { file: where },
  );
}

const NEWLINE = 10;
/** Longer lines are not events; one with a spike has the ids of a step's rows. */
const MAX_LINE_BYTES = 16 << 20;

/** Where a run's folder has its events. */
const eventsPath = (folder: string): string => join(folder, 'events.jsonl');

/**
 * The events of a run in their order, read as a stream; none where the run has not written any. A line that is not an
 * event is a data error with its number. Not so a last line without its line break that is not whole: a run that is
 * being written, or was killed, leaves one.
 *
 * @example
 * for await (const event of readRunEvents('checkpoints/first'))
 *   if (event.type === 'step') console.log(event.stage, event.step, event.loss);
 */
export async function* readRunEvents(folder: string): AsyncGenerator<LoggedEvent, void> {
  const path = eventsPath(folder);
  if (!exists(path)) return;
  let last = NEWLINE;
  const watched = async function* () {
    for await (const chunk of readChunks(path)) {
      last = chunk.at(-1) ?? last;
      yield chunk;
    }
  };
  let held: { bytes: Uint8Array; line: number } | undefined;
  for await (const line of splitLines(path, watched(), MAX_LINE_BYTES)) {
    if (held) yield* eventOf(held, path);
    held = line;
  }
  if (held && (last === NEWLINE || isWhole(held.bytes))) yield* eventOf(held, path);
}

function* eventOf({ bytes, line }: { bytes: Uint8Array; line: number }, path: string): Generator<LoggedEvent, void> {
  const value = parseLine(bytes, path, line);
  if (value !== undefined) yield parseRunEvent(value, `${path}:${line}`);
}

const isWhole = (bytes: Uint8Array): boolean => isJson(Buffer.from(bytes).toString('utf8'));
