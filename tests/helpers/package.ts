import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from './folder.js';
import { isBuilt, ROOT } from './program.js';

/** The package's own package.json. */
export const MANIFEST = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));

/** Runs a program of ours in a folder and throws with what it wrote where it fails. */
function runIn(folder: string, args: readonly string[]): void {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${args.join(' ')}: ${stdout}${stderr}`);
}

/** What is packed in any case, and what scripts/ship-binding.mjs takes. */
const BESIDES = [
  'package.json',
  '.gitignore',
  '.npmrc',
  'README.md',
  'LICENSE',
  'scripts/ship-binding.mjs',
  'src/backend/native/kernels',
];

/** A new folder with what is packed, apart from the build, of which it has what scripts/ship-binding.mjs puts there. */
export function packageWithoutBuild(): string {
  const project = temporaryFolder('package');
  const packed = (MANIFEST.files as string[]).filter((path) => path !== 'dist' && !path.startsWith('!'));
  for (const path of [...BESIDES, ...packed]) cpSync(join(ROOT, path), join(project, path), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(project, 'node_modules'));
  mkdirSync(join(project, 'dist/cli'), { recursive: true });
  writeFileSync(join(project, 'dist/cli/main.js'), '');
  runIn(project, ['scripts/ship-binding.mjs']);
  return project;
}

/** A new folder with all that is packed: the build of `npm test` where it is up to date, else one made for this. */
export function builtPackage(): string {
  const project = packageWithoutBuild();
  if (isBuilt()) cpSync(join(ROOT, 'dist'), join(project, 'dist'), { recursive: true });
  else {
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
    runIn(ROOT, [tsc, '-p', 'tsconfig.build.json', '--outDir', join(project, 'dist')]);
  }
  return project;
}
