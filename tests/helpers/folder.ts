import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Folders of the test file that runs in this process. */
const made = new Set<string>();

/** A new folder of a test, removed after the last test of its file. */
export function temporaryFolder(name = 'test'): string {
  const folder = mkdtempSync(join(tmpdir(), `${name}-`));
  made.add(folder);
  return folder;
}

/** Removes what {@link temporaryFolder} made for the file that ends. */
export function removeTemporaryFolders(): void {
  for (const folder of made) rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  made.clear();
}

/** Caches that Node.js and tsx keep for whoever comes next. */
const CACHES = /^(tsx-|node-compile-cache|v8-compile-cache)/;

/** What lies in a temporary folder besides caches. */
export const leftIn = (folder: string): string[] => readdirSync(folder).filter((name) => !CACHES.test(name));
