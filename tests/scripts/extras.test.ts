import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { TRL_VERSIONS } from '../../src/handover/engines/trl.js';
import { temporaryFolder } from '../helpers/folder.js';

let folder: string;
const at = (...path: string[]) => join(folder, ...path);

/** Puts a program of ours on the path: it notes its name and arguments, then does what the shell lines say. */
function program(name: string, lines = ''): void {
  writeFileSync(at('bin', name), `#!/bin/bash\necho "${name} $*" >> '${at('log')}'\necho talk\n${lines}\n`);
  chmodSync(at('bin', name), 0o755);
}

/** A Python that makes an environment; `imports`: how an environment's Python answers when asked for its packages. */
const python = (imports: number) =>
  program(
    'python3',
    `if [ "$2" = venv ]; then mkdir -p "$4/bin"; printf '#!/bin/bash\\nexit ${imports}\\n' > "$4/bin/python"; chmod +x "$4/bin/python"; fi`,
  );

/** The programs of Slurm that are looked for. */
const slurm = () => ['slurmctld', 'slurmd', 'sbatch', 'munged'].forEach((name) => void program(name));

beforeEach(() => {
  folder = temporaryFolder('extras');
  mkdirSync(at('bin'));
  for (const name of ['bash', 'timeout', 'rm', 'mkdir', 'chmod'])
    symlinkSync(execFileSync('which', [name], { encoding: 'utf8' }).trim(), at('bin', name));
  program('apt-get');
  writeFileSync(at('bin/id'), '#!/bin/bash\necho 0\n', { mode: 0o755 });
  python(0);
});

/** Runs the script with programs of ours only. */
function extras(env: Record<string, string> = {}) {
  const { status, stdout } = spawnSync('bash', ['.ci/extras'], {
    encoding: 'utf8',
    env: { PATH: at('bin'), HOME: folder, ...env },
  });
  const log = existsSync(at('log')) ? readFileSync(at('log'), 'utf8').trim().split('\n') : [];
  return { status, stdout, log: log.map((line) => line.replace(/ -o \S+/g, '').replaceAll(folder, '~')) };
}

const VENV = '~/.cache/phasetune/tests/tensorboard-2.21.0';
const TRL = '~/.cache/phasetune/tests/trl-1.16.0';
const TRL_PACKAGES = 'torch==2.15.0 transformers==5.24.0 peft==0.21.2 trl==1.16.0 accelerate==1.15.0 datasets==5.2.0';

/** What the script prints of an environment. */
const line = (variable: string, venv: string) => `${variable}=${at(venv.slice(2))}/bin/python\n`;

test('installs what is missing, prints only the variables, and does nothing the second time', () => {
  const first = extras();
  const variables = line('PHASETUNE_TENSORBOARD_PYTHON', VENV) + line('PHASETUNE_TRL_PYTHON', TRL);
  expect(first).toMatchObject({ status: 0, stdout: variables });
  expect(first.log).toEqual([
    'apt-get -qq update',
    'apt-get -qq -y --no-install-recommends install chromium-headless-shell',
    'apt-get -qq -y --no-install-recommends install slurmctld slurmd slurm-client munge',
    `python3 -m venv --without-pip ${VENV}`,
    `python3 -m pip --python ${VENV}/bin/python install --quiet --disable-pip-version-check tensorboard==2.21.0`,
    `python3 -m venv --without-pip ${TRL}`,
    `python3 -m pip --python ${TRL}/bin/python install --quiet --disable-pip-version-check ${TRL_PACKAGES}`,
  ]);
  program('chromium');
  slurm();
  const second = extras();
  expect(second).toMatchObject({ status: 0, stdout: first.stdout });
  expect(second.log).toEqual(first.log);
});

test('what cannot be installed is left out, and nothing half made stays', () => {
  program('apt-get', 'exit 100');
  python(1);
  const { status, stdout } = extras();
  expect([status, stdout]).toEqual([0, '']);
  for (const venv of [VENV, TRL]) expect(existsSync(at(venv.slice(2)))).toBe(false);
});

test('tries for Slurm where Chromium cannot be had', () => {
  program('apt-get', 'case "$*" in *chromium*) exit 100 ;; esac');
  expect(extras()).toMatchObject({ status: 0 });
  const installed = readFileSync(at('log'), 'utf8').match(/install \S+/g);
  expect(installed).toEqual([
    'install chromium-headless-shell',
    'install slurmctld',
    'install --quiet',
    'install --quiet',
  ]);
});

test('installs no packages of the system for a user who is not root', () => {
  writeFileSync(at('bin/id'), '#!/bin/bash\necho 1000\n', { mode: 0o755 });
  expect(extras().log.filter((line) => line.startsWith('apt-get'))).toEqual([]);
});

test('takes what the variables name', () => {
  slurm();
  const { stdout, log } = extras({
    PHASETUNE_CHROMIUM: at('bin/apt-get'),
    PHASETUNE_TENSORBOARD_PYTHON: '/opt/python',
    PHASETUNE_TRL_PYTHON: '/opt/trl/python',
  });
  expect([stdout, log]).toEqual([
    'PHASETUNE_TENSORBOARD_PYTHON=/opt/python\nPHASETUNE_TRL_PYTHON=/opt/trl/python\n',
    [],
  ]);
});

test('the versions of TRL are those of a handover', () => {
  const versions = Object.entries(TRL_VERSIONS).map(([name, version]) => `${name}==${version}`);
  expect(TRL_PACKAGES).toBe(versions.join(' '));
});
