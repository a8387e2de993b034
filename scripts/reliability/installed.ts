import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';

/** Where a program runs. */
export interface Place {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** What a machine may need to reach anything, and nothing else of this one's environment. */
const KEPT =
  /^(LANG|(HTTPS?|ALL|NO)_PROXY|NODE_EXTRA_CA_CERTS|SSL_CERT_(FILE|DIR)|PIP_.*|REQUESTS_CA_BUNDLE|npm_config_registry)$/i;

/** Runs a program and gives what it wrote to standard output; throws with all that it wrote where it fails. */
export function run(command: string, args: readonly string[], { cwd, env }: Place): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd,
    env,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  if (error || status !== 0)
    throw new Error(`${command} ${args.join(' ')}: ${error ?? `status ${status}`}\n${stdout ?? ''}${stderr ?? ''}`);
  return stdout;
}

/** Packs a built project and gives the tarball's path in `folder`. */
export function pack(project: string, folder: string): string {
  const args = ['pack', '--ignore-scripts', '--loglevel=error', '--pack-destination', folder];
  run('npm', args, { cwd: project, env: process.env });
  return join(folder, readdirSync(folder).find((name) => name.endsWith('.tgz'))!);
}

/** A tarball that is installed for a user of its own. */
export interface Installed {
  /** An empty folder to work in. */
  readonly cwd: string;
  /** Folder of the packages that were installed. */
  readonly modules: string;
  /** Runs a program there, with the user's PATH and home. */
  run(command: string, args: readonly string[], env?: Readonly<Record<string, string>>): string;
}

/** npm's cache: a folder of packages that it may take without asking for newer ones, or one that is empty and the user's own. */
export type Cache = { readonly preferred: string } | 'empty';

/**
 * Installs a tarball by `npm install -g` in `place`, for a Node program such as /opt/node-24/bin/node, with an empty home. npm is
 * that of the PATH.
 */
export function install(node: string, tarball: string, place: string, cache: Cache = 'empty'): Installed {
  const [home, cwd, temporary, prefix] = ['home', 'empty', 'tmp', 'prefix'].map((name) => join(place, name)) as [
    string,
    string,
    string,
    string,
  ];
  for (const folder of [home, cwd, temporary]) mkdirSync(folder, { recursive: true });
  const kept = Object.fromEntries(Object.entries(process.env).filter(([name]) => KEPT.test(name)));
  const env = {
    ...kept,
    PATH: [dirname(node), join(prefix, 'bin'), process.env.PATH].join(delimiter),
    HOME: home,
    // Packages leave files there, core-js for one.
    TMPDIR: temporary,
    npm_config_prefix: prefix,
    npm_config_cache: cache === 'empty' ? join(place, 'cache') : cache.preferred,
    npm_config_update_notifier: 'false',
  };
  const quicker = cache === 'empty' ? [] : ['--prefer-offline', '--no-audit', '--no-fund'];
  run('npm', ['install', '-g', ...quicker, tarball], { cwd, env });
  return {
    cwd,
    modules: join(prefix, 'lib/node_modules'),
    run: (command, args, more = {}) => run(command, args, { cwd, env: { ...env, ...more } }),
  };
}
