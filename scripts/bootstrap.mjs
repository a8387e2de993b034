// What `npm start`, `npm test`, `npm run test:fast` and `npm run test:gpu` run: packages, build and native runtime, each only where it is missing or
// out of date, then the demo or the tests. Plain JavaScript without packages, since there may be none yet.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const [task, ...rest] = process.argv.slice(2);

const at = (...path) => join(root, ...path);
const say = (text) => process.stderr.write(`${text}\n`);
const readJson = (path) => JSON.parse(readFileSync(path, 'utf8'));

function refuseOldNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  say(
    `error: phasetune needs Node 20.19 or newer, this is ${process.versions.node}: install a newer one from nodejs.org`,
  );
  process.exit(1);
}

/** Runs a program with this one's terminal; talk that is no result goes to standard error. Ends this one if it fails. */
function run(command, args, { talk = true, what, cwd = root, env = {} } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['inherit', talk ? 2 : 1, 2],
    });
    const forward = (signal) => child.kill(signal);
    // A terminal sends SIGINT to the child as well: here it only must not end this process before the child has saved.
    const ignore = () => {};
    process.on('SIGTERM', forward).on('SIGINT', ignore);
    const end = (code, why) => {
      process.off('SIGTERM', forward).off('SIGINT', ignore);
      if (code === 0) return resolve();
      if (what) say(`error: ${what} failed${why ? ` (${why})` : ''}, see above`);
      process.exit(code);
    };
    child.on('error', (error) => end(1, error.message));
    child.on('close', (code, signal) => end(code ?? 1, signal));
  });
}

/** True when every package that the lock file asks for is installed in its version. */
function packagesInstalled() {
  const installed = at('node_modules', '.package-lock.json');
  if (!existsSync(installed)) return false;
  const there = readJson(installed).packages;
  return Object.entries(readJson(at('package-lock.json')).packages).every(
    ([path, { version, optional }]) => path === '' || (there[path] ? there[path].version === version : optional),
  );
}

async function installPackages() {
  if (packagesInstalled()) return;
  say('installing packages (npm ci)');
  const args = ['ci', '--ignore-scripts', '--include=dev', '--no-audit', '--no-fund'];
  const npm = process.env.npm_execpath;
  if (npm?.endsWith('.js')) await run(process.execPath, [npm, ...args], { what: 'npm ci' });
  else await run('npm', args, { what: 'npm ci' });
}

/** Adds to the build what it needs of a package that is not installed along. */
const shipBinding = at('scripts', 'ship-binding.mjs');

/** Hash of everything that the build is made from. */
function sourceHash() {
  const hash = createHash('sha256');
  const sources = readdirSync(at('src'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
  for (const path of [
    ...sources.sort(),
    ...['tsconfig.json', 'tsconfig.build.json', 'package-lock.json'].map((name) => at(name)),
    shipBinding,
  ])
    hash.update(path.slice(root.length)).update('\0').update(readFileSync(path)).update('\0');
  return hash.digest('hex');
}

async function build() {
  const stamp = at('dist', '.source-hash');
  const hash = sourceHash();
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === hash) return;
  say('building (tsc)');
  await run(process.execPath, [at('node_modules', 'typescript', 'bin', 'tsc'), '-p', at('tsconfig.build.json')], {
    what: 'the build',
  });
  await run(process.execPath, [shipBinding], { what: 'the build' });
  mkdirSync(at('dist'), { recursive: true });
  writeFileSync(stamp, hash);
}

const cli = at('dist', 'cli', 'main.js');
const test = (env) =>
  run(process.execPath, [at('node_modules', 'vitest', 'vitest.mjs'), 'run', ...rest], { talk: false, env });
const tasks = {
  start: () => run(process.execPath, [cli, 'demo', ...rest], { talk: false, cwd: process.cwd() }),
  test: () => test({}),
  // Without the files that take longest, which vitest.config.ts lists.
  fast: () => test({ PHASETUNE_TEST_FAST: '1' }),
  // Sets the library for cards up itself, once it has seen a card.
  gpu: () =>
    run(process.execPath, [at('node_modules', 'tsx', 'dist', 'cli.mjs'), at('scripts', 'gpu', 'run.ts'), ...rest]),
};

refuseOldNode();
if (!tasks[task]) {
  say(`error: expected ${Object.keys(tasks).join(', ')}, got ${task ?? 'nothing'}`);
  process.exit(2);
}
await installPackages();
await build();
if (task !== 'gpu') await run(process.execPath, [cli, 'setup'], { what: 'setting up the native library' });
await tasks[task]();
