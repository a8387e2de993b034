import { chmodSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { env as processEnv } from 'node:process';
import { describe, expect, test } from 'vitest';
import { cardFlags, cardSettings } from '../../src/backend/card-settings.js';
import { cardCaches, prune, visibleCard } from '../../src/backend/native/card-caches.js';
import { nativeOnly } from '../helpers/backend.js';
import { runTypeScript } from '../helpers/fake-machine.js';
import { temporaryFolder } from '../helpers/folder.js';

const CACHES = { programs: '/home/me/xla/1/programs', choices: '/home/me/xla/1/choices' };
const OURS = {
  CUDA_CACHE_MAXSIZE: '4294967296',
  XLA_FLAGS: '--xla_gpu_per_fusion_autotune_cache_dir=/home/me/xla/1/choices --xla_gpu_enable_command_buffer=',
  TF_XLA_FLAGS:
    '--tf_xla_persistent_cache_directory=/home/me/xla/1/programs --tf_xla_persistent_cache_device_types=GPU,XLA_GPU_JIT',
};

describe('environment of a process that computes on a card', () => {
  test('has the folders of the caches, no CUDA graphs, and the most that the driver keeps', () => {
    expect(cardSettings({}, CACHES)).toEqual(OURS);
    expect(cardSettings({ XLA_FLAGS: ' ', TF_XLA_FLAGS: '' }, CACHES)).toEqual(OURS);
  });

  test('without a cache has the other settings', () => {
    expect(cardSettings({}, undefined)).toEqual({
      CUDA_CACHE_MAXSIZE: OURS.CUDA_CACHE_MAXSIZE,
      XLA_FLAGS: '--xla_gpu_enable_command_buffer=',
    });
  });

  test('keeps what the user has set, flag by flag', () => {
    const given = {
      CUDA_CACHE_MAXSIZE: '1',
      XLA_FLAGS: '--xla_gpu_enable_command_buffer=FUSION --xla_dump_to=/tmp',
      TF_XLA_FLAGS: '--tf_xla_persistent_cache_directory= --tf_xla_max_cluster_size=4',
    };
    expect(cardSettings(given, CACHES)).toEqual({
      CUDA_CACHE_MAXSIZE: '1',
      XLA_FLAGS: `--xla_gpu_per_fusion_autotune_cache_dir=${CACHES.choices} ${given.XLA_FLAGS}`,
      TF_XLA_FLAGS: `--tf_xla_persistent_cache_device_types=GPU,XLA_GPU_JIT ${given.TF_XLA_FLAGS}`,
    });
    // Settings that are made once stay as they are in a process that is started from this one.
    expect(cardSettings(OURS, CACHES)).toEqual(OURS);
  });

  test('leaves a name of a file with flags alone', () => {
    expect(cardSettings({ XLA_FLAGS: 'flags.txt' }, CACHES)).toEqual({ ...OURS, XLA_FLAGS: 'flags.txt' });
  });

  nativeOnly('is one that the library takes, and programs are kept in the folder, whatever its name', async () => {
    const folder = temporaryFolder();
    const caches = cardCaches(join(folder, "it's a folder"), 'a card', '')!;
    const given = { ...processEnv, TF_XLA_FLAGS: '--tf_xla_persistent_cache_device_types=CPU' };
    const { stdout, stderr } = await runTypeScript(
      `import { loadBackend } from './src/backend/load.ts';
       import * as tf from './src/backend/tf.ts';
       import { compile } from './src/program/compile.ts';
       await loadBackend({ device: 'cpu' });
       const x = { shape: [2], dtype: 'float32' };
       const entries = { double: { inputs: { x }, run: (_, { x }) => ({ outputs: { y: tf.mul(x, 2) } }) } };
       const options = { mode: 'captured', precision: 'float32', compile: 'whole' };
       const program = await compile({ variables: {}, entries }, options);
       const { y } = await program.run('double', { x: { ...x, data: Float32Array.of(1, 2) } }, ['y']);
       console.log(y.data.join());`,
      { ...given, ...cardSettings(given, caches) },
    ).ended;
    expect({ stdout: stdout.trim(), stderr }).toEqual({ stdout: '2,4', stderr: '' });
    expect(readdirSync(caches.programs)).toHaveLength(1);
  });
});

describe('caches of a card', () => {
  test('are other folders for another card, another driver, other flags', async () => {
    const folder = temporaryFolder();
    const of = (card: string, flags = cardFlags(undefined)) => cardCaches(folder, card, flags)!.programs;
    const all = [of('H100, 9.0, 580'), of('H100, 9.0, 590'), of('RTX 4090, 8.9, 580'), of('H100, 9.0, 580', '--x')];
    expect(new Set(all).size).toBe(4);
    expect(of('H100, 9.0, 580')).toBe(all[0]);
    for (const each of all) expect(readdirSync(each)).toEqual([]);
  });

  test('are none where no folder can be made', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'xla'), 'a file');
    expect(cardCaches(folder, 'H100', '')).toBeUndefined();
  });

  test('lose their oldest files where they are too large, and none that is younger than a day', async () => {
    const folder = temporaryFolder();
    const now = Date.now();
    const ages = { a: 5, b: 3, c: 2, d: 0.5 };
    for (const [name, days] of Object.entries(ages)) {
      const path = join(folder, name);
      writeFileSync(path, Buffer.alloc(100));
      utimesSync(path, new Date(now), new Date(now - days * 24 * 3600 * 1000));
    }
    const left = (most: number) => {
      prune(folder, most, now);
      return readdirSync(folder).sort().join('');
    };
    expect(left(400)).toBe('abcd');
    expect(left(399)).toBe('bcd');
    expect(left(250)).toBe('cd');
    expect(left(0)).toBe('d');
  });
});

test('the card that a process sees is the first of CUDA_VISIBLE_DEVICES; there may be none', async () => {
  const folder = temporaryFolder();
  const smi = join(folder, 'nvidia-smi');
  writeFileSync(smi, '#!/bin/sh\necho "card $2, 9.0, 580.1"\n');
  chmodSync(smi, 0o755);
  const env = { PATH: `${folder}:/usr/bin:/bin` };
  expect(await visibleCard(env)).toBe('card 0, 9.0, 580.1');
  expect(await visibleCard({ ...env, CUDA_VISIBLE_DEVICES: '3,1' })).toBe('card 3, 9.0, 580.1');
  writeFileSync(smi, '#!/bin/sh\necho "No devices were found"; exit 6\n');
  expect(await visibleCard(env)).toBeUndefined();
  expect(await visibleCard({ PATH: folder.concat('/none') })).toBeUndefined();
});
