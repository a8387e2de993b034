import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';

const script = fileURLToPath(new URL('../../scripts/bootstrap.mjs', import.meta.url));

let folder: string;
const write = (path: string, text: string) => {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
};
const log = () => (existsSync(join(folder, 'log')) ? readFileSync(join(folder, 'log'), 'utf8').trim().split('\n') : []);

/** A program that notes its arguments under a name, and does something else besides. */
const noting = (name: string, more = '') =>
  `require('node:fs').appendFileSync(${JSON.stringify(join(folder, 'log'))}, ['${name}', ...process.argv.slice(2)].join(' ') + '\\n');${more}`;

const LOCK = {
  packages: {
    '': { version: '0' },
    'node_modules/a': { version: '1.0.0' },
    'node_modules/b': { version: '1.0.0', optional: true },
  },
};
const INSTALLED = { packages: { 'node_modules/a': { version: '1.0.0' } } };

/**
 * A project in which every program that is run is one of ours; the "compiler" writes a command line
 * that notes its arguments.
 */
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'phasetune-bootstrap-'));
  mkdirSync(join(folder, 'scripts'));
  cpSync(script, join(folder, 'scripts/bootstrap.mjs'));
  write('package-lock.json', JSON.stringify(LOCK));
  write('tsconfig.json', '{}');
  write('tsconfig.build.json', '{}');
  write('src/index.ts', '');
  write('node_modules/.package-lock.json', JSON.stringify(INSTALLED));
  write(
    'node_modules/vitest/vitest.mjs',
    `import { createRequire } from 'node:module'; const require = createRequire(import.meta.url); ${noting('vitest', "console.log(process.env.PHASETUNE_TEST_FAST ?? 'all');")}`,
  );
  const cli = noting('phasetune', `console.log('result'); process.exit(process.argv[3] === '--fail' ? 7 : 0);`);
  const writeCli = `require('node:fs').mkdirSync('dist/cli', { recursive: true }); require('node:fs').writeFileSync('dist/cli/main.js', ${JSON.stringify(cli)});`;
  write('node_modules/typescript/bin/tsc', noting('tsc', writeCli));
  const install = `require('node:fs').writeFileSync('node_modules/.package-lock.json', ${JSON.stringify(JSON.stringify(INSTALLED))});`;
  write('scripts/ship-binding.mjs', '');
  write('npm.js', noting('npm', install));
});
afterEach(() => rmSync(folder, { recursive: true }));

const bootstrap = (args: string[], options: string[] = []) =>
  spawnSync(process.execPath, [...options, join(folder, 'scripts/bootstrap.mjs'), ...args], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, npm_execpath: join(folder, 'npm.js'), PHASETUNE_TEST_FAST: undefined },
  });

const BUILD = expect.stringMatching(/^tsc -p /);

test('start builds, sets up and runs the demo with all arguments; its result alone is on standard output', () => {
  const { status, stdout } = bootstrap(['start', '--model', 'a b', '--data', 'c']);
  expect(status).toBe(0);
  expect(log()).toEqual([BUILD, 'phasetune setup', 'phasetune demo --model a b --data c']);
  expect(stdout).toBe('result\n');
});

test.each([
  ['test', 'all'],
  ['fast', '1'],
])('%s runs the tests with all arguments', (task, which) => {
  expect(bootstrap([task, 'tests/io', '--reporter=dot'])).toMatchObject({ status: 0, stdout: `${which}\n` });
  expect(log()).toEqual([BUILD, 'phasetune setup', 'vitest run tests/io --reporter=dot']);
});

test('gpu leaves setting up to what looks for a card first, and gives it all arguments', () => {
  write(
    'node_modules/tsx/dist/cli.mjs',
    `import { createRequire } from 'node:module'; const require = createRequire(import.meta.url); ${noting('tsx', 'process.exit(1);')}`,
  );
  expect(bootstrap(['gpu', '--out', 'a']).status).toBe(1);
  expect(log()).toEqual([BUILD, `tsx ${join(folder, 'scripts/gpu/run.ts')} --out a`]);
});

test('a second call skips the build until a source changes, even back to an old time', () => {
  bootstrap(['start']);
  bootstrap(['start']);
  expect(log().filter((line) => line.startsWith('tsc'))).toHaveLength(1);
  write('src/more.ts', '');
  bootstrap(['start']);
  expect(log().filter((line) => line.startsWith('tsc'))).toHaveLength(2);
});

test.each([
  ['npm ci runs where nothing is installed', () => rmSync(join(folder, 'node_modules/.package-lock.json')), 1],
  [
    'npm ci runs where a package has another version',
    () => write('node_modules/.package-lock.json', '{"packages":{"node_modules/a":{"version":"0.9.0"}}}'),
    1,
  ],
  ['npm ci does not run for the sake of an optional package', () => {}, 0],
])('%s', (_name, prepare, times) => {
  prepare();
  expect(bootstrap(['start']).status).toBe(0);
  const calls = log().filter((line) => line.startsWith('npm'));
  expect(calls).toEqual(times ? [expect.stringMatching(/^npm ci --ignore-scripts --include=dev/)] : []);
});

test('a failure ends it with its exit code, and the next call does that part again', () => {
  expect(bootstrap(['start', '--fail']).status).toBe(7);
  const tsc = readFileSync(join(folder, 'node_modules/typescript/bin/tsc'), 'utf8');
  write('src/broken.ts', '');
  write('node_modules/typescript/bin/tsc', noting('tsc', 'process.exit(2);'));
  const broken = bootstrap(['start']);
  expect(broken.status).toBe(2);
  expect(broken.stderr).toContain('error: the build failed, see above');
  write('node_modules/typescript/bin/tsc', tsc);
  expect(bootstrap(['start']).status).toBe(0);
  expect(log().filter((line) => line.startsWith('tsc'))).toHaveLength(3);
});

test('an old Node is refused in one line', () => {
  const older = `data:text/javascript,Object.defineProperty(process, 'versions', { value: { node: '20.18.1' } });`;
  const { status, stderr } = bootstrap(['start'], ['--import', older]);
  expect(status).toBe(1);
  expect(stderr).toMatch(/^error: phasetune needs Node 20\.19 or newer, this is 20\.18\.1: [^\n]*\n$/);
});
