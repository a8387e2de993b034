import { chmodSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { visibleCards } from '../../src/backend/native/cards.js';
import { temporaryFolder } from '../helpers/folder.js';

/** An environment whose nvidia-smi lists so many cards. */
function machine(cards: number): NodeJS.ProcessEnv {
  const folder = temporaryFolder('cards');
  const path = join(folder, 'nvidia-smi');
  const lines = Array.from({ length: cards }, (_, i) => `echo 'Card ${i}, 580.95, 9.0'`).join('\n');
  writeFileSync(path, `#!/bin/sh\n[ "$1" = --query-gpu=name,driver_version,compute_cap ] || exit 9\n${lines}\n`);
  chmodSync(path, 0o755);
  return { PATH: `${folder}:/bin:/usr/bin:${dirname(process.execPath)}` };
}

describe('devices', () => {
  test('are the cards of these numbers', async () => {
    expect(await visibleCards([2, 0], machine(3), undefined)).toEqual(['2', '0']);
  });

  test('count what CUDA_VISIBLE_DEVICES names, where it is set', async () => {
    expect(await visibleCards([0, 1], machine(0), '5, GPU-ab12')).toEqual(['5', 'GPU-ab12']);
    await expect(visibleCards([1], machine(8), '5,-1,6')).rejects.toThrow(
      'there is no card 1: there is one card that CUDA_VISIBLE_DEVICES (5,-1,6) names, number 0',
    );
  });

  test('that do not exist are refused, with what exists', async () => {
    await expect(visibleCards([0, 2], machine(2), undefined)).rejects.toMatchObject({
      code: 'usage',
      problem: '`devices`: there is no card 2: there are 2 cards, number 0 to 1',
      fields: { option: 'devices', expected: 2, actual: 2 },
    });
    await expect(visibleCards([0], machine(0), undefined)).rejects.toThrow(
      'there is no card 0: there is no NVIDIA card',
    );
  });
});
