import { relative } from 'node:path';
import { afterAll, beforeAll, expect } from 'vitest';
import { LEAST_MIB, usedMib } from '../../scripts/gpu/card.js';
import type { Backend } from '../../src/backend/backend.js';
import { testBackend } from '../helpers/backend.js';
import { record } from './results.js';

let backend: Backend;
let before: number;
beforeAll(async () => {
  before = usedMib();
  backend = await testBackend();
  expect(backend.device, 'every test here is to run on a card').toBe('cuda');
});

afterAll(() => {
  const { device, version } = backend;
  const after = usedMib();
  const file = relative('.', expect.getState().testPath ?? '');
  record({ kind: 'file', file, device, tensorflow: version, card_mib: { before, after } });
  const idle = Number(process.env.PHASETUNE_GPU_IDLE_MIB ?? 0);
  expect(after - idle, 'MiB that the tests hold on the card').toBeGreaterThan(LEAST_MIB);
});
