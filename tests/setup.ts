import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { leftIn, removeTemporaryFolders } from './helpers/folder.js';

// Every test file has a temporary folder of its own, for itself and the processes that it starts,
// and must leave it empty.
const before = process.env.TMPDIR;
const folder = mkdtempSync(join(tmpdir(), 'file-'));
process.env.TMPDIR = folder;

// Nor does a proxy of whoever runs the tests count; a test that wants one names it.
for (const name of ['http_proxy', 'https_proxy', 'all_proxy', 'no_proxy'])
  for (const variable of [name, name.toUpperCase()]) delete process.env[variable];

// Hooks of a file run in reverse order, so this one comes after the file's own.
afterAll(() => {
  removeTemporaryFolders();
  const left = leftIn(folder);
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  if (before === undefined) delete process.env.TMPDIR;
  else process.env.TMPDIR = before;
  if (left.length > 0)
    throw new Error(
      `the tests left ${left.join(', ')} in their temporary folder; make folders with temporaryFolder() of tests/helpers/folder.ts, which removes them`,
    );
});
