import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Installed, install, pack } from '../../scripts/reliability/installed.js';
import { realRuntime } from '../helpers/fake-machine.js';
import { temporaryFolder } from '../helpers/folder.js';
import { builtPackage, MANIFEST } from '../helpers/package.js';
import { ROOT } from '../helpers/program.js';

/** The Node of the tests, and those whose paths NODES_TO_TRY lists, colons between them. */
const NODES = [process.execPath, ...(process.env.NODES_TO_TRY?.split(delimiter).filter(Boolean) ?? [])];

/** The names by which programs import the package. */
const DOORS = Object.keys(MANIFEST.exports)
  .filter((name) => name !== './package.json')
  .map((name) => name.replace(/^\./, 'phasetune'));

const DEMO = ['phasetune', 'demo', '--rows', '8', '--held-out', '2', '--json'];

let tarball: string;
/** npm takes packages out of this user's cache, where it has them, so that nothing is downloaded twice. */
let cache: string;
beforeAll(() => {
  tarball = pack(builtPackage(), temporaryFolder('packed'));
  cache = spawnSync('npm', ['config', 'get', 'cache'], { encoding: 'utf8', cwd: ROOT }).stdout.trim();
});

/** Users by their Node, each of whom has installed the tarball. */
const users = new Map<string, Installed>();
function installedFor(node: string): Installed {
  const user = users.get(node) ?? install(node, tarball, temporaryFolder('installed'), { preferred: cache });
  users.set(node, user);
  return user;
}

describe.each(NODES)('the tarball, installed for %s', (node) => {
  let user: Installed;
  beforeAll(() => {
    user = installedFor(node);
  });

  test('npx runs the demo in an empty folder, without a native library', () => {
    expect(readdirSync(user.cwd)).toEqual([]);
    const home = { PHASETUNE_HOME: temporaryFolder('home') };
    const result = JSON.parse(
      user
        .run('npx', [...DEMO, '--out', 'run'], home)
        .trim()
        .split('\n')
        .at(-1)!,
    );
    expect(result).toMatchObject({ model: 'tiny-llama', exactMatch: { of: 6 } });
    expect(readdirSync(user.cwd)).toEqual(['run']);
    expect(existsSync(join(user.cwd, 'run/run/adapter/adapter_model.safetensors'))).toBe(true);
  });

  test.skipIf(!realRuntime())('the demo computes in the native library, through the binding that is shipped', () => {
    const home = { PHASETUNE_HOME: process.env.PHASETUNE_HOME ?? join(process.env.HOME!, '.cache/phasetune') };
    const model = join(user.modules, 'phasetune/models/tiny-llama');
    const args = [...DEMO, '--device', 'cpu', '--model', model, '--out', 'native'];
    const result = JSON.parse(user.run('npx', args, home).trim().split('\n').at(-1)!);
    expect(result).toMatchObject({ exactMatch: { of: 6 } });
  });

  test('every door opens to a program in plain JavaScript', () => {
    const program = `for (const name of ${JSON.stringify(DOORS)}) console.log(Object.keys(await import(name)).length > 0);`;
    const folder = consumer(user, { 'program.mjs': program });
    expect(user.run('node', [join(folder, 'program.mjs')])).toBe('true\n'.repeat(DOORS.length));
  });
});

/** A new folder of a program that uses the installed package, with files in it. */
function consumer(user: Installed, files: Readonly<Record<string, string>>): string {
  const folder = temporaryFolder('consumer');
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(join(user.modules, 'phasetune'), join(folder, 'node_modules/phasetune'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

test.each(['nodenext', 'bundler'])('every door has types with moduleResolution %s', (moduleResolution) => {
  const program = [
    ...DOORS.map((name, number) => `import * as door${number} from '${name}';`),
    ...DOORS.map((_, number) => `export const names${number}: readonly (keyof typeof door${number})[] = [];`),
    // An import without types would be any, to which this could be assigned.
    ...DOORS.map((_, number) => `// @ts-expect-error\nexport const wrong${number}: number = door${number};`),
  ].join('\n');
  const compilerOptions = {
    strict: true,
    noEmit: true,
    target: 'es2023',
    module: moduleResolution === 'bundler' ? 'esnext' : 'nodenext',
    moduleResolution,
    skipLibCheck: false,
    types: ['node'],
    typeRoots: [join(ROOT, 'node_modules/@types')],
  };
  const folder = consumer(installedFor(process.execPath), {
    'package.json': '{"type":"module"}',
    'program.ts': program,
    'tsconfig.json': JSON.stringify({ compilerOptions, include: ['program.ts'] }),
  });
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
  const { stdout } = spawnSync(process.execPath, [tsc, '-p', folder], { encoding: 'utf8' });
  // What packages say in their own types is theirs.
  const problems = stdout.split('\n').filter((line) => /(^|\/)program\.ts|\/phasetune\/dist\//.test(line));
  expect(problems).toEqual([]);
});
