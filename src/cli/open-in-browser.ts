import { spawn } from 'node:child_process';
import process from 'node:process';

/** What opens an address in the browser of this system; undefined where there is no screen to show it on. */
function openerOf(platform: string, environment: Readonly<Record<string, string | undefined>>): string | undefined {
  if (platform === 'darwin') return 'open';
  const screen = environment.DISPLAY || environment.WAYLAND_DISPLAY;
  return platform === 'linux' && screen ? 'xdg-open' : undefined;
}

/**
 * Shows an address (`file:` or `http:`) in the user's browser, which then runs on its own. Resolves to false where
 * there is no screen or nothing that opens it: the caller then prints the address.
 */
export async function openInBrowser(
  address: string,
  { platform = process.platform, environment = process.env as Readonly<Record<string, string | undefined>> } = {},
): Promise<boolean> {
  const opener = openerOf(platform, environment);
  if (opener === undefined) return false;
  const child = spawn(opener, [address], { detached: true, stdio: 'ignore' });
  return new Promise((resolve) => {
    child.once('error', () => resolve(false));
    child.once('spawn', () => {
      child.unref();
      resolve(true);
    });
  });
}
