import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { oneDnnSetting } from '../../../src/backend/native/onednn.js';
import { choosePrecision, worthTaking } from '../../../src/program/products/choose.js';
import { keepSpeeds, keptSpeeds, placeHere } from '../../../src/program/products/kept.js';
import { createLogger } from '../../../src/telemetry/logger.js';
import { temporaryFolder } from '../../helpers/folder.js';

const PROCESSOR = { name: 'tensorflow', device: 'cpu', version: 'test' } as const;
const CARD = { name: 'tensorflow', device: 'cuda', version: 'test' } as const;
const WASM = { name: 'wasm', device: 'wasm', version: 'test' } as const;

const MATRIX_UNIT = { bfloat16: 1600, float32: 390 };
const NO_BFLOAT16 = { bfloat16: 75, float32: 390 };

/** A measurement with a given outcome, and how often it was made. */
function measuring(gflops = MATRIX_UNIT) {
  const probe = {
    calls: 0,
    measure: async () => {
      probe.calls++;
      return gflops;
    },
  };
  return probe;
}

describe('the type of products', () => {
  test.each([
    ['auto', PROCESSOR, undefined, MATRIX_UNIT, { precision: 'bfloat16', chosen: 'measured', gflops: MATRIX_UNIT }],
    ['auto', PROCESSOR, 'captured', NO_BFLOAT16, { precision: 'float32', chosen: 'measured', gflops: NO_BFLOAT16 }],
    ['auto', PROCESSOR, 'eager', MATRIX_UNIT, { precision: 'float32', chosen: 'device' }],
    ['auto', CARD, undefined, NO_BFLOAT16, { precision: 'bfloat16', chosen: 'device' }],
    ['auto', CARD, 'eager', MATRIX_UNIT, { precision: 'float32', chosen: 'device' }],
    ['auto', WASM, undefined, MATRIX_UNIT, { precision: 'float32', chosen: 'device' }],
    ['bfloat16', PROCESSOR, undefined, NO_BFLOAT16, { precision: 'bfloat16', chosen: 'given' }],
    ['float32', PROCESSOR, undefined, MATRIX_UNIT, { precision: 'float32', chosen: 'given' }],
    ['float32', CARD, undefined, MATRIX_UNIT, { precision: 'float32', chosen: 'given' }],
    ['bfloat16', WASM, undefined, MATRIX_UNIT, { precision: 'bfloat16', chosen: 'given' }],
    [undefined, PROCESSOR, undefined, NO_BFLOAT16, { precision: 'float32', chosen: 'measured', gflops: NO_BFLOAT16 }],
  ] as const)('%s on %o, mode %s, %o', async (precision, backend, mode, gflops, chosen) => {
    const { measure } = measuring(gflops);
    expect(await choosePrecision({ precision, mode }, backend, { home: temporaryFolder(), measure })).toEqual(chosen);
  });

  test('is bfloat16 unless float32 is faster by more than 8 %: 5 % of a step', () => {
    expect(worthTaking({ bfloat16: 100, float32: 108 })).toBe('bfloat16');
    expect(worthTaking({ bfloat16: 100, float32: 109 })).toBe('float32');
    expect(worthTaking({ bfloat16: 109, float32: 100 })).toBe('bfloat16');
  });

  test('is bfloat16 for answers unless float32 is three times as fast', async () => {
    expect(worthTaking({ bfloat16: 100, float32: 300 }, true)).toBe('bfloat16');
    expect(worthTaking({ bfloat16: 100, float32: 301 }, true)).toBe('float32');
    const { measure } = measuring({ bfloat16: 224, float32: 390 });
    const hooks = { home: temporaryFolder(), measure };
    expect(await choosePrecision({}, PROCESSOR, hooks)).toMatchObject({ precision: 'float32' });
    expect(await choosePrecision({}, PROCESSOR, { ...hooks, decodes: true })).toMatchObject({ precision: 'bfloat16' });
  });

  test('that cannot be measured is bfloat16, with a warning', async () => {
    const said: string[] = [];
    const logger = createLogger({ write: (line) => said.push(line) });
    const measure = () => Promise.reject(new Error('no such kernel'));
    const choice = await choosePrecision({}, PROCESSOR, { home: temporaryFolder(), measure, logger });
    expect(choice).toEqual({ precision: 'bfloat16', chosen: 'device' });
    expect(said.join('\n')).toMatch(/could not be measured, continuing with bfloat16: no such kernel/);
  });
});

describe('figures of products', () => {
  test('are measured once, with a word about it, and kept for the next process', async () => {
    const home = join(temporaryFolder(), 'not there yet');
    const probe = measuring(NO_BFLOAT16);
    const said: string[] = [];
    const hooks = { home, measure: probe.measure, logger: createLogger({ write: (line) => said.push(line) }) };
    const [first, second] = await Promise.all([
      choosePrecision({}, PROCESSOR, hooks),
      choosePrecision({}, PROCESSOR, hooks),
    ]);
    expect([first, second, await choosePrecision({}, PROCESSOR, hooks)].map(({ precision }) => precision)).toEqual(
      Array(3).fill('float32'),
    );
    expect(probe.calls).toBe(1);
    expect(said).toEqual([expect.stringContaining('timing products')]);
    expect(await keptSpeeds(home, placeHere('test', process.env))).toEqual(NO_BFLOAT16);
  });

  test.each<[string, string]>([
    ['is empty', ''],
    ['is cut off', '{"schema": "phasetune/products", "version": 1, "measured": [{"pla'],
    ['is binary', '\0\x01\xff'],
    ['is of another kind', '{"schema": "phasetune/run", "version": 1, "measured": []}'],
    ['is of a newer version', '{"schema": "phasetune/products", "version": 2, "measured": []}'],
  ])('are measured again where the file %s', async (_name, text) => {
    const home = temporaryFolder();
    writeFileSync(join(home, 'products.json'), text);
    const probe = measuring();
    expect(await choosePrecision({}, PROCESSOR, { home, measure: probe.measure })).toMatchObject({
      chosen: 'measured',
    });
    expect(probe.calls).toBe(1);
    expect(await keptSpeeds(home, placeHere('test', process.env))).toEqual(MATRIX_UNIT);
  });

  test.each<[string, (file: { measured: [{ gflops: Record<string, unknown> }] }) => void]>([
    ['zero', ({ measured: [first] }) => Object.assign(first.gflops, { float32: 0 })],
    ['no number', ({ measured: [first] }) => Object.assign(first.gflops, { float32: 'fast' })],
    ['missing', ({ measured: [first] }) => void delete first.gflops.bfloat16],
  ])('of which one is %s are measured again', async (_name, damage) => {
    const home = temporaryFolder();
    await keepSpeeds(home, placeHere('test', process.env), NO_BFLOAT16);
    const path = join(home, 'products.json');
    const file = JSON.parse(readFileSync(path, 'utf8'));
    damage(file);
    writeFileSync(path, JSON.stringify(file));
    const probe = measuring();
    expect(await choosePrecision({}, PROCESSOR, { home, measure: probe.measure })).toMatchObject({
      precision: 'bfloat16',
    });
    expect(probe.calls).toBe(1);
  });

  test.each([
    ['processor', { processor: 'another' }],
    ['set of instructions', { features: ['avx'] }],
    ['number of cores', { cores: 999 }],
    ['version of TensorFlow', { tensorflow: '1.0.0' }],
    ['limit for oneDNN', { settings: { ONEDNN_MAX_CPU_ISA: 'AVX2' } }],
    ['number of threads', { settings: { TF_NUM_INTRAOP_THREADS: '3' } }],
  ])('of another %s are not taken, and stay for it', async (_name, differs) => {
    const home = temporaryFolder();
    const here = placeHere('test', process.env);
    const there = { ...here, ...differs };
    await keepSpeeds(home, there, NO_BFLOAT16);
    const probe = measuring();
    expect(await choosePrecision({}, PROCESSOR, { home, measure: probe.measure })).toMatchObject({
      precision: 'bfloat16',
    });
    expect(probe.calls).toBe(1);
    expect(await keptSpeeds(home, there)).toEqual(NO_BFLOAT16);
    expect(await keptSpeeds(home, here)).toEqual(MATRIX_UNIT);
  });

  test('of this process depend on the variables that the library follows', () => {
    const plain = placeHere('test', {});
    expect(plain.settings).toEqual({ TF_ENABLE_ONEDNN_OPTS: '1' });
    expect(placeHere('test', { ONEDNN_MAX_CPU_ISA: 'AVX2', HOME: '/root' }).settings).toEqual({
      TF_ENABLE_ONEDNN_OPTS: '0',
      ONEDNN_MAX_CPU_ISA: 'AVX2',
    });
    expect(plain.cores).toBeGreaterThan(0);
    expect(plain.processor).not.toBe('');
  });

  test('are found before the library is loaded and after', () => {
    expect(placeHere('test', {})).toEqual(placeHere('test', { TF_ENABLE_ONEDNN_OPTS: oneDnnSetting({}) }));
  });

  test('are used, and not kept, where the folder cannot be written', async () => {
    const home = join(temporaryFolder(), 'file');
    writeFileSync(home, 'a file where the folder would be');
    const probe = measuring(NO_BFLOAT16);
    for (let i = 0; i < 2; i++)
      expect(await choosePrecision({}, PROCESSOR, { home, measure: probe.measure })).toMatchObject({
        precision: 'float32',
        gflops: NO_BFLOAT16,
      });
    expect(probe.calls).toBe(1);
  });

  test('of many at once leave a whole file, and of many places the newest', async () => {
    const home = temporaryFolder();
    const places = Array.from({ length: 17 }, (_, i) => ({ ...placeHere('test', {}), tensorflow: `${i}` }));
    await Promise.all(places.map((place) => keepSpeeds(home, place, MATRIX_UNIT)));
    expect(JSON.parse(readFileSync(join(home, 'products.json'), 'utf8')).measured.length).toBeGreaterThan(0);
    for (const place of places) await keepSpeeds(home, place, MATRIX_UNIT);
    const { measured } = JSON.parse(readFileSync(join(home, 'products.json'), 'utf8'));
    expect(measured.map(({ place }: { place: { tensorflow: string } }) => Number(place.tensorflow))).toEqual(
      Array.from({ length: 16 }, (_, i) => 16 - i),
    );
  });
});
