// Copies what is needed of @tensorflow/tfjs-node-gpu into the build, as it is: node scripts/ship-binding.mjs (`npm run build` does). The
// package itself cannot be a dependency of what is installed, since npm runs its install script there, which fetches a TensorFlow of
// 2022 from a host that many cannot reach, and fails where it cannot. Plain JavaScript without packages, as the bootstrap is.
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const from = join(root, 'node_modules/@tensorflow/tfjs-node-gpu');
const to = join(root, 'dist/tfjs-node');

/** What src/backend/load.ts requires. */
const ENTRIES = ['dist/register_all_kernels.js', 'dist/nodejs_kernel_backend.js'].map((name) => join(from, name));

/** What stands in the place of a file: messages for TensorBoard, to which nothing is written here, and which want another package. */
const REPLACED = { [join(from, 'dist/proto/api_pb.js')]: '// No messages for TensorBoard.\nmodule.exports = {};\n' };

/** Files of the package that a file of it requires, itself among them. */
function reached(file, seen = new Set()) {
  if (seen.has(file) || file in REPLACED) return seen;
  seen.add(file);
  const required = readFileSync(file, 'utf8').matchAll(/require\(["'](\.[^"']+)["']\)/g);
  for (const [, name] of required) reached(join(dirname(file), `${name}.js`), seen);
  return seen;
}

const { name, version, license, repository } = JSON.parse(readFileSync(join(from, 'package.json'), 'utf8'));
const scripts = new Set(ENTRIES.flatMap((entry) => [...reached(entry)]));
const sources = readdirSync(join(from, 'binding')).map((file) => join(from, 'binding', file));
rmSync(to, { recursive: true, force: true });
mkdirSync(to, { recursive: true });
for (const file of [...scripts, ...sources]) cpSync(file, join(to, relative(from, file)));
for (const [file, text] of Object.entries(REPLACED)) {
  mkdirSync(join(to, dirname(relative(from, file))), { recursive: true });
  writeFileSync(join(to, relative(from, file)), text);
}
cpSync(join(root, 'LICENSE'), join(to, 'LICENSE'));
// Sources of kernels, which set-up compiles.
cpSync(join(root, 'src/backend/native/kernels'), join(root, 'dist/backend/native/kernels'), { recursive: true });
const manifest = {
  name,
  version,
  license,
  repository,
  description: `Files of ${name} ${version}, unchanged but for dist/proto, without the others and without its install script`,
  private: true,
};
writeFileSync(join(to, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`);
