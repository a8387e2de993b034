import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { driverPresent } from '../../src/backend/native/detect.js';
import { runtimePaths } from '../../src/backend/native/paths.js';
import { setUp } from '../../src/backend/setup.js';
import { silentLogger } from '../../src/telemetry/logger.js';
import { fakeMachine, realRuntime } from '../helpers/fake-machine.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'phasetune-gpu-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const run = (env: NodeJS.ProcessEnv) => {
  const out = join(folder, 'results.jsonl');
  const args = ['--import', 'tsx', 'scripts/gpu/run.ts', '--out', out];
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', env });
  const lines = existsSync(out) ? readFileSync(out, 'utf8').trim().split('\n') : [];
  return { status, stderr, results: lines.map((line) => JSON.parse(line)) };
};

(driverPresent() ? test.skip : test)(
  'without a card test:gpu says so in one line and fails, and writes nothing',
  () => {
    const { status, stderr, results } = run({ PATH: folder });
    expect(status).toBe(1);
    expect(stderr).toMatch(
      /^error: test:gpu needs an NVIDIA card, and nothing was tested: there is none to be seen[^\n]*\n$/,
    );
    expect(results).toEqual([]);
  },
);

test('a card that its driver cannot be asked about is no card', () => {
  const smi = join(folder, 'nvidia-smi');
  writeFileSync(
    smi,
    `#!${process.execPath}\nif (process.argv.some((word) => word.includes('memory'))) process.exit(6);
    console.log('NVIDIA Test 9000, 570.86.15');`,
  );
  chmodSync(smi, 0o755);
  const { status, stderr } = run({ PATH: folder });
  expect(status).toBe(1);
  expect(stderr).toMatch(/^error: test:gpu needs an NVIDIA card.*its memory cannot be looked at/);
});

(realRuntime() ? test : test.skip)(
  'a card that TensorFlow does not use fails: nothing passes on the processor',
  async () => {
    const machine = fakeMachine();
    await setUp({ wanted: 'cpu', home: machine.home, env: machine.env, logger: silentLogger });
    renameSync(runtimePaths(machine.home, 'cpu').root, runtimePaths(machine.home, 'cuda').root);
    const smi = join(machine.env.PATH!, 'nvidia-smi');
    const answers = `process.argv.some((word) => word.includes('memory.used')) ? '500' : 'NVIDIA Test 9000, 570.86.15, 8000'`;
    writeFileSync(smi, `#!${process.execPath}\nconsole.log(${answers});`);
    chmodSync(smi, 0o755);
    const { status, stderr, results } = run({
      ...machine.env,
      PHASETUNE_HOME: machine.home,
      CUDA_VISIBLE_DEVICES: '-1',
    });
    machine.remove();
    expect(status).toBe(1);
    expect(stderr).toContain(
      'nothing was tested: TensorFlow computes on cpu here (TensorFlow does not use the NVIDIA Test 9000',
    );
    expect(results).toMatchObject([{ kind: 'machine', card: { memory_mib: 8000 }, doctor: { device: 'cpu' } }]);
  },
);
