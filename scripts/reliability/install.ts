/**
 * Whether the tarball can be installed and used without a flag, for each Node that is named: packed from a fresh build, installed by
 * `npm install -g` with an empty home and an empty cache from an empty folder, and tried there.
 *
 *     npx tsx scripts/reliability/install.ts [NODE ...]
 *
 * NODE is a program such as /opt/node-24/bin/node; without one it is this one. npm is that of the PATH. The native library is fetched
 * from PyPI once, into a folder that goes with the rest in the end.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const work = mkdtempSync(join(tmpdir(), 'install-'));

/** What a machine may need to reach anything, and nothing else of this one's environment. */
const KEPT =
  /^(LANG|(HTTPS?|ALL|NO)_PROXY|NODE_EXTRA_CA_CERTS|SSL_CERT_(FILE|DIR)|PIP_.*|REQUESTS_CA_BUNDLE|npm_config_registry)$/i;
const kept = Object.fromEntries(Object.entries(process.env).filter(([name]) => KEPT.test(name)));

interface Place {
  readonly cwd: string;
  readonly env: Record<string, string | undefined>;
}

function run(command: string, args: readonly string[], { cwd, env }: Place): string {
  const begun = performance.now();
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd,
    env,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  const said = `${stdout ?? ''}${stderr ?? ''}`;
  if (error || status !== 0) throw new Error(`${command} ${args.join(' ')}: ${error ?? `status ${status}`}\n${said}`);
  console.log(`  ${args.slice(0, 3).join(' ')}: ${((performance.now() - begun) / 1000).toFixed(1)} s`);
  return stdout;
}

/** Packages below a folder whose manifest names a script that npm runs when they are installed. */
function withScripts(modules: string): string[] {
  return readdirSync(modules, { recursive: true, encoding: 'utf8' })
    .filter((path) => /(^|\/)(@[^/]+\/)?[^/]+\/package\.json$/.test(path))
    .flatMap((path) => {
      const { name, scripts = {} } = JSON.parse(readFileSync(join(modules, path), 'utf8'));
      return ['preinstall', 'install', 'postinstall'].some((script) => scripts[script]) ? [`${name}`] : [];
    });
}

function tryOn(node: string, tarball: string, library: string): void {
  const place = mkdtempSync(join(work, 'node-'));
  const [home, cwd, prefix] = ['home', 'empty', 'prefix'].map((name) => join(place, name)) as [string, string, string];
  for (const folder of [home, cwd]) mkdirSync(folder);
  const PATH = [dirname(node), join(prefix, 'bin'), process.env.PATH].join(delimiter);
  const env = { ...kept, PATH, HOME: home, npm_config_cache: join(place, 'cache') };
  console.log(`Node ${run(node, ['--version'], { cwd, env }).trim()}`);
  run('npm', ['install', '-g', '--prefix', prefix, tarball], { cwd, env });
  const installed = join(prefix, 'lib/node_modules/phasetune');
  const scripted = withScripts(join(prefix, 'lib/node_modules')).filter((name) => name !== 'core-js');
  if (scripted.length > 0) throw new Error(`packages with install scripts: ${scripted.join(', ')}`);
  const phasetune = (args: string[], more: Record<string, string> = {}) =>
    run('phasetune', args, { cwd, env: { ...env, ...more } });
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
  const here: Place = { cwd: root, env: process.env };
  run('npm', ['run', 'build'], here);
  run('npm', ['pack', '--pack-destination', work], here);
  const tarball = join(work, readdirSync(work).find((name) => name.endsWith('.tgz'))!);
  const nodes = process.argv.length > 2 ? process.argv.slice(2).map((path) => resolve(path)) : [process.execPath];
  for (const node of nodes) tryOn(node, tarball, join(work, 'library'));
  console.log('installs and works on all of them');
} finally {
  rmSync(work, { recursive: true, force: true });
}
