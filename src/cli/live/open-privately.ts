import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { writeFileAtomic } from '../../io/atomic.js';
import { makeTemporaryFolder } from '../../io/temporary-folder.js';
import { openInBrowser } from '../open-in-browser.js';

/** A browser that was asked to show an address. */
export interface Opened {
  /** False where there is no screen, or nothing that opens it. */
  readonly shown: boolean;
  /** Removes what led it there. */
  forget(): Promise<void>;
}

/**
 * Shows an address that is itself the key. Arguments of processes can be read by every user of the
 * machine, so the browser gets the name of a file, in a folder that only this user may read, and
 * the file leads it on.
 */
export async function openPrivately(address: string): Promise<Opened> {
  const { folder, remove } = await makeTemporaryFolder('watch');
  const file = join(folder, 'open.html');
  await writeFileAtomic(
    file,
    `<!doctype html><meta http-equiv="refresh" content="0; url=${address}"><title>phasetune</title>\n`,
  );
  return { shown: await openInBrowser(pathToFileURL(file).href), forget: remove };
}
