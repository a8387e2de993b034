import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type * as z from 'zod';
import { jsonText } from '../../src/core/json-text.js';
import { stagingManifestSchema } from '../../src/curriculum/manifest.js';
import { stageReportSchema } from '../../src/handover/handover-record.js';
import { measuredField } from '../../src/io/manifest-fields.js';
import { scoresManifestSchema } from '../../src/scoring/scored.js';
import { checkpointManifestSchema, stateSchema } from '../../src/train/checkpoint.js';
import { progressSchema } from '../../src/train/progress.js';
import { runFileSchema } from '../../src/train/run-file.js';

/**
 * Schemas of the files that are written and read back, by the source that has them. The numbers of a handover's own
 * record are counts and options.
 */
const PERSISTED: Readonly<Record<string, readonly z.ZodType[]>> = {
  'train/run-file.ts': [runFileSchema],
  'train/checkpoint.ts': [stateSchema, checkpointManifestSchema],
  'curriculum/manifest.ts': [stagingManifestSchema],
  'scoring/scored.ts': [scoresManifestSchema],
  'handover/handover-record.ts': [stageReportSchema],
};

/**
 * Files of which no number is measured: prices are looked up by people, a lock has a process's
 * number, a sheet for people has a seed; a study's plan counts; results have null for a number that
 * there is none of. Speeds of products that cannot be read are measured again.
 */
const OTHERS = [
  'endpoint/prices.ts',
  'io/lock-owner.ts',
  'program/products/kept.ts',
  'eval/people/sheet.ts',
  'eval/result/result.ts',
  'study/cell.ts',
  'study/results/results.ts',
  'study/stop-request.ts',
  'study/study-record.ts',
];

/** Options are checked before a run begins, and are finite. */
const OPTIONS = /^(options|input\.import)\b/;

/**
 * Paths of the numbers of a schema that a file could not hold if they were not finite: neither
 * measured nor counted.
 */
function plainNumbers(schema: z.ZodType, path = ''): string[] {
  const { def } = schema as unknown as { def: Record<string, unknown> & { type: string } };
  const inner = (key: string, name: string): string[] => plainNumbers(def[key] as z.ZodType, name);
  if (schema === measuredField || OPTIONS.test(path)) return [];
  switch (def.type) {
    case 'number':
      return [0.5, 1.5].some((value) => schema.safeParse(value).success) ? [path] : [];
    case 'object':
      return Object.entries((schema as z.ZodObject).shape).flatMap(([key, value]) =>
        plainNumbers(value as z.ZodType, path ? `${path}.${key}` : key),
      );
    case 'array':
      return inner('element', `${path}[]`);
    case 'record':
      return inner('valueType', `${path}.*`);
    case 'tuple':
      return (def.items as z.ZodType[]).flatMap((item, i) => plainNumbers(item, `${path}[${i}]`));
    case 'union':
      return (def.options as z.ZodType[]).flatMap((option) => plainNumbers(option, path));
    case 'pipe':
      return isMeasured(schema) ? [] : inner('in', path);
    case 'optional':
    case 'readonly':
    case 'nullable':
    case 'default':
      return inner('innerType', path);
    case 'string':
    case 'literal':
    case 'enum':
    case 'boolean':
    case 'unknown':
      return [];
    default:
      throw new Error(`${path}: a schema of type ${def.type}, which is not walked`);
  }
}

/** A refined schema is another object, that reads the same. */
const isMeasured = (schema: z.ZodType): boolean => schema.safeParse('NaN').success && schema.safeParse(null).success;

test('no number that is measured can be written and not be read', () => {
  for (const [file, schemas] of Object.entries(PERSISTED))
    for (const schema of schemas) expect(plainNumbers(schema), file).toEqual([]);
});

test('the walk finds a plain number', async () => {
  const zod = await import('zod');
  const one = zod.strictObject({ a: zod.array(zod.strictObject({ b: zod.number().min(0).optional() })), c: zod.int() });
  expect(plainNumbers(one)).toEqual(['a[].b']);
});

test('every schema of a file is walked', () => {
  const src = new URL('../../src/', import.meta.url).pathname;
  const names = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  const found = names.filter((name) => readFileSync(join(src, name), 'utf8').includes("z.literal('phasetune/"));
  expect(found.sort()).toEqual([...Object.keys(PERSISTED), ...OTHERS].sort());
});

const number = fc.oneof(
  fc.double({ noNaN: true }).map((value) => value + 0),
  fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
);
const time = fc.constantFrom(0, 1.5, Number.NaN, Number.POSITIVE_INFINITY);
const saved = { path: 'stage-1/step-000001', sha256: 'hash' };
const ledger = { rows: 0, sha256: 'hash' };
const lossRow = fc.record({ after: fc.nat(6), losses: fc.array(number), all: number });
const result = fc.record({
  origin: fc.constant({ from: 'base' as const }),
  end: fc.constant(saved),
  seconds: time,
  tokensPerSecond: number,
});
const progress = fc.record({
  step: fc.nat(),
  optimizerStep: fc.nat(),
  tokens: fc.nat(),
  trainedTokens: fc.nat(),
  seconds: time,
  since: fc.record({ tokens: fc.nat(), trainedTokens: fc.nat(), seconds: time, loss: number }),
  random: fc.constant([1, 2, 3, 4]),
  losses: fc.array(number),
  consumed: fc.constant(ledger),
  skipped: fc.array(fc.nat()),
  spikes: fc.nat(),
  best: fc.record({ saved: fc.constant(saved), loss: number }),
});
const state = fc.record({
  schema: fc.constant('phasetune/trainer-state'),
  version: fc.constant(2),
  kind: fc.constant('step'),
  stage: fc.constant(1),
  steps: fc.nat(),
  plan: fc.constant('hash'),
  progress,
  origin: fc.constant({ from: 'base' }),
  merged: fc.constant([]),
  events: fc.nat(),
  seconds: time,
  stages: fc.array(result),
  matrix: fc.array(lossRow),
});

test('a state full of numbers that are not finite is read back as it was', () => {
  fc.assert(
    fc.property(state, (written) => {
      expect(stateSchema.parse(JSON.parse(jsonText(written)))).toEqual(written);
    }),
    { seed: 1 },
  );
});

test('so is run.json', () => {
  const run = fc.record({ stages: fc.array(result), rows: fc.array(lossRow), seconds: time, tokensPerSecond: number });
  fc.assert(
    fc.property(run, ({ stages, rows, seconds, tokensPerSecond }) => {
      const plain = { label: '', rows: 1, replayed: 0, steps: 1, tokens: 1, trainedTokens: 1, paddedTokens: 1 };
      const written = {
        schema: 'phasetune/run',
        version: 2,
        status: 'done',
        started: '',
        versions: {},
        recipe: {},
        order: 'phased',
        seed: 0,
        inputs: { model: { path: '', files: {} }, data: { path: '', manifest: '' } },
        stages: stages.map((stage, i) => ({ stage: i + 1, ...plain, plan: '', planned: ledger, ...stage })),
        matrix: { bands: [], rows },
        seconds,
        trainingSeconds: seconds,
        tokensPerSecond,
      };
      expect(runFileSchema.parse(JSON.parse(jsonText(written)))).toEqual(written);
    }),
    { seed: 1 },
  );
});

test('what an earlier version wrote as null is NaN', () => {
  const [sample] = fc.sample(progress, { numRuns: 1, seed: 1 });
  const old = JSON.parse(JSON.stringify({ ...sample, losses: [Number.NaN, 2], best: { saved, loss: Number.NaN } }));
  expect(old.losses).toEqual([null, 2]);
  expect(progressSchema.parse(old)).toMatchObject({ losses: [Number.NaN, 2], best: { saved, loss: Number.NaN } });
});
