import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';

/** Where distributions put Chromium and what is made of it; the shell without windows is the smallest. */
const USUAL = [
  'chromium-headless-shell',
  'chromium',
  'chromium-browser',
  'google-chrome-stable',
  'google-chrome',
  'microsoft-edge',
].map((name) => join('/usr/bin', name));

/** What is said where there is none. */
export const MISSING_CHROMIUM = 'Chromium is missing (install chromium-headless-shell, or set PHASETUNE_CHROMIUM)';

const runnable = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

/** The Chromium to test with: that of PHASETUNE_CHROMIUM, which must exist, or the first that is installed. */
export function findChromium(): string | undefined {
  const named = process.env.PHASETUNE_CHROMIUM;
  if (!named) return USUAL.find(runnable);
  if (!runnable(named)) throw new Error(`PHASETUNE_CHROMIUM: expected a program, ${named} is none`);
  return named;
}

/** A browser without windows, for tests and for pictures. Throws where Chromium is missing. */
export function startChromium(): Promise<Browser> {
  const executablePath = findChromium();
  if (executablePath === undefined) throw new Error(MISSING_CHROMIUM);
  // Pictures in its own memory instead of /dev/shm, of which containers often give 64 MB.
  return chromium.launch({ executablePath, args: ['--disable-dev-shm-usage'] });
}
