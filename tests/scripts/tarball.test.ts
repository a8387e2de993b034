import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { MANIFEST, packageWithoutBuild } from '../helpers/package.js';
import { ROOT } from '../helpers/program.js';

const readJson = (path: string) => JSON.parse(readFileSync(path, 'utf8'));
const PACKAGE = join(ROOT, 'node_modules/@tensorflow/tfjs-node-gpu');

/** What the repository's own .npmrc says is not in the tarball: whoever installs that runs every install script. */
test('no package that is installed along has an install script, but for one that does nothing', () => {
  const { packages } = readJson(join(ROOT, 'package-lock.json'));
  const scripted = Object.entries<{ hasInstallScript?: boolean; dev?: boolean }>(packages)
    .filter(([, entry]) => entry.hasInstallScript && !entry.dev)
    .map(([path]) => path);
  expect(scripted).toEqual(['node_modules/core-js']);
  // It prints a request for donations, and cannot fail.
  const { postinstall } = readJson(join(ROOT, 'node_modules/core-js/package.json')).scripts;
  expect(postinstall).toBe(`node -e "try{require('./postinstall')}catch(e){}"`);
  for (const name of ['preinstall', 'install', 'postinstall']) expect(MANIFEST.scripts).not.toHaveProperty(name);
  // npm would run node-gyp for it.
  expect(existsSync(join(ROOT, 'binding.gyp'))).toBe(false);
});

let project: string;
let packed: Set<string>;
beforeAll(() => {
  project = packageWithoutBuild();
  writeFileSync(join(project, 'dist/.source-hash'), '');
  const args = ['pack', '--dry-run', '--json', '--offline', '--loglevel=error'];
  const { stdout } = spawnSync('npm', args, { cwd: project, encoding: 'utf8' });
  packed = new Set((JSON.parse(stdout)[0].files as { path: string }[]).map(({ path }) => path));
});

test('the tarball has what is read at run time', () => {
  const needed = [
    ...['LICENSE', 'README.md', 'CHANGELOG.md', 'dist/cli/main.js', 'docs/prices.json', 'docs/recipe.schema.json'],
    ...['datasets/demo/raw.jsonl', 'models/tiny-llama/model.safetensors', 'models/tiny-llama/tokenizer.json'],
    ...['src/scoring/rubrics', 'src/eval/judge/prompts', 'src/handover/engines/programs'].flatMap((folder) =>
      readdirSync(join(ROOT, folder)).map((name) => `${folder}/${name}`),
    ),
  ];
  expect(needed.filter((path) => !packed.has(path))).toEqual([]);
  expect(
    [...packed].filter((path) => /^(tests|scripts|\.|docs\/site)|\.(tsbuildinfo|map)$|source-hash/.test(path)),
  ).toEqual([]);
  // Whatever a source names by its own place.
  const sources = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' }).filter((path) =>
    path.endsWith('.ts'),
  );
  for (const path of sources)
    for (const [, named] of readFileSync(join(ROOT, 'src', path), 'utf8').matchAll(/new URL\('(\.\.\/[^']*\.\w+)'/g)) {
      const target = join('dist', dirname(path), named!);
      expect(packed, `${path} reads ${target}`).toContain(target);
    }
});

test('the tarball has what is needed of tfjs-node, as it is there, with its licence, and it loads', () => {
  const folder = join(project, 'dist/tfjs-node');
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
  expect(files.filter((path) => !packed.has(`dist/tfjs-node/${path}`))).toEqual([]);
  const own = ['LICENSE', 'package.json', 'dist/proto/api_pb.js'];
  for (const path of files.filter((name) => !own.includes(name)))
    expect(readFileSync(join(folder, path)).equals(readFileSync(join(PACKAGE, path))), path).toBe(true);
  expect(readJson(join(folder, 'package.json'))).toMatchObject({
    version: MANIFEST.devDependencies['@tensorflow/tfjs-node-gpu'],
    license: 'Apache-2.0',
  });
  expect(readFileSync(join(folder, 'LICENSE'), 'utf8')).toContain('Apache License');
  const included = files
    .filter((path) => path.startsWith('binding/'))
    .flatMap((path) => [...readFileSync(join(folder, path), 'utf8').matchAll(/#include "([^"]+)"/g)])
    .map(([, name]) => name!)
    .filter((name) => !name.startsWith('tensorflow/'));
  expect(included.filter((name) => !files.includes(`binding/${name}`) && !files.includes(name))).toEqual([]);
  const load = `require('./dist/register_all_kernels'); console.log(typeof require('./dist/nodejs_kernel_backend').NodeJSKernelBackend)`;
  const loaded = spawnSync(process.execPath, ['-e', load], { cwd: folder, encoding: 'utf8' });
  expect(loaded.stdout, loaded.stderr).toBe('function\n');
});

test('what is shipped of tfjs-node needs only what is installed along', () => {
  const folder = join(project, 'dist/tfjs-node/dist');
  const scripts = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.js'));
  const required = new Set(
    scripts.flatMap((path) =>
      [...readFileSync(join(folder, path), 'utf8').matchAll(/require\(["']([^."'][^"']*)["']\)/g)].map(
        ([, name]) => name!,
      ),
    ),
  );
  const known = new Set([...Object.keys(MANIFEST.dependencies), 'util', 'os']);
  expect([...required].filter((name) => !known.has(name))).toEqual([]);
});
