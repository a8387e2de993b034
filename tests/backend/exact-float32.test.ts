import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect } from 'vitest';
import { chooseRuntime } from '../../src/backend/load.js';
import { findCompiler, isProblem } from '../../src/backend/native/detect.js';
import { cacheHome } from '../../src/backend/native/home.js';
import { nativeOnly } from '../helpers/backend.js';

/** Asks the library that is loaded whether cards may round the factors of float32 products to TF32. */
const SOURCE = `
#include <node_api.h>
namespace tsl { bool tensor_float_32_execution_enabled(); }
NAPI_MODULE_INIT() {
  napi_value allowed;
  napi_get_boolean(env, tsl::tensor_float_32_execution_enabled(), &allowed);
  napi_set_named_property(env, exports, "allowed", allowed);
  return exports;
}
`;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'phasetune-float32-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

nativeOnly('a card would multiply float32 as float32: TF32 is off in the library that is loaded', async () => {
  const compiler = await findCompiler(process.env);
  if (isProblem(compiler)) throw new Error(compiler.what);
  const require = createRequire(import.meta.url);
  const headers = (require('node-api-headers') as { include_dir: string }).include_dir;
  const libraries = join(chooseRuntime(cacheHome(), 'auto')!.paths.root, 'tensorflow');
  const [source, addon] = [join(folder, 'ask.cc'), join(folder, 'ask.node')];
  writeFileSync(source, SOURCE);
  execFileSync(compiler.command, [
    ...['-fPIC', '-shared', '-std=c++17', '-DNAPI_VERSION=8', '-I', headers, source, '-o', addon],
    ...['-L', libraries, '-l:libtensorflow_framework.so.2', `-Wl,-rpath,${libraries}`],
  ]);
  expect(require(addon)).toEqual({ allowed: false });
});
