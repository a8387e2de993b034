/**
 * Whether the tarball can be installed and used without a flag, for each Node that is named: packed
 * from a fresh build, installed by `npm install -g` with an empty home and an empty cache from an
 * empty folder, and tried there.
 *
 *     npx tsx scripts/reliability/install.ts [NODE ...]
 *
 * NODE is a program such as /opt/node-24/bin/node; without one it is this one. npm is that of the
 * PATH. The native library is fetched from PyPI once, into a folder that goes with the rest in the
 * end.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { install, pack, run } from './installed.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const work = mkdtempSync(join(tmpdir(), 'install-'));

/** Packages below a folder whose manifest names a script that npm runs when they are installed. */
function withScripts(modules: string): string[] {
  return readdirSync(modules, { recursive: true, encoding: 'utf8' })
    .filter((path) => /(^|\/)(@[^/]+\/)?[^/]+\/package\.json$/.test(path))
    .flatMap((path) => {
      const { name, scripts = {} } = JSON.parse(readFileSync(join(modules, path), 'utf8'));
      return ['preinstall', 'install', 'postinstall'].some((script) => scripts[script]) ? [`${name}`] : [];
    });
}

/** Does something and prints how long it took. */
function timed<T>(what: string, work: () => T): T {
  const begun = performance.now();
  const result = work();
  console.log(`  ${what}: ${((performance.now() - begun) / 1000).toFixed(1)} s`);
  return result;
}

function tryOn(node: string, tarball: string, library: string): void {
  const place = mkdtempSync(join(work, 'node-'));
  console.log(`Node ${run(node, ['--version'], { cwd: place, env: process.env }).trim()}`);
  const { cwd, modules, run: runThere } = timed('npm install -g', () => install(node, tarball, place));
  const installed = join(modules, 'phasetune');
  const scripted = withScripts(modules).filter((name) => name !== 'core-js');
  if (scripted.length > 0) throw new Error(`packages with install scripts: ${scripted.join(', ')}`);
  const phasetune = (args: string[], more: Record<string, string> = {}) =>
    timed(args.slice(0, 3).join(' '), () => runThere('phasetune', args, more));
  phasetune(['--version']);
  phasetune(['--help']);
  const rows = readFileSync(join(installed, 'datasets/demo/raw.jsonl'), 'utf8').split('\n').slice(0, 60);
  writeFileSync(join(cwd, 'rows.jsonl'), rows.join('\n'));
  phasetune(['score', 'rows.jsonl', '--scorer', 'length', '--out', 'scored.jsonl']);
  phasetune(['stage', 'scored.jsonl', '--out', 'staged', '--stages', '2']);
  const model = join(installed, 'models/tiny-llama');
  const train = (device: string, more: Record<string, string> = {}) => {
    const args = ['--model', model, '--data', 'staged', '--out', device, '--steps', '2', '--device', device];
    phasetune(['train', ...args], more);
    if (!existsSync(join(cwd, device, 'adapter/adapter_model.safetensors'))) throw new Error('no adapter was written');
  };
  train('wasm');
  const native = { PHASETUNE_HOME: library };
  phasetune(['setup', '--cpu'], native);
  const { backend, problems } = JSON.parse(phasetune(['doctor', '--json'], native).trim().split('\n').at(-1)!);
  if (backend !== 'tensorflow') throw new Error(`doctor computes on ${backend}: ${JSON.stringify(problems)}`);
  train('cpu', native);
  phasetune(['generate', '--model', model, '--adapter', 'cpu/adapter', '--prompt', 'Hi', '--device', 'cpu'], native);
  rmSync(place, { recursive: true });
}

try {
  timed('npm run build', () => run('npm', ['run', 'build'], { cwd: root, env: process.env }));
  const tarball = timed('npm pack', () => pack(root, work));
  const nodes = process.argv.length > 2 ? process.argv.slice(2).map((path) => resolve(path)) : [process.execPath];
  for (const node of nodes) tryOn(node, tarball, join(work, 'library'));
  console.log('installs and works on all of them');
} finally {
  rmSync(work, { recursive: true, force: true });
}
