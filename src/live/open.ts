import { createServer } from 'node:http';
import { hostname, userInfo } from 'node:os';
import { parseOptions } from '../config/given-options.js';
import { PROGRAM, type Vocabulary } from '../core/remedies.js';
import { folderName } from '../report/parts/shown.js';
import { type LiveOptions, liveOptionsSchema } from './options.js';
import { openHandler } from './server/handler.js';
import { makeKeys } from './server/keys.js';
import { checkHost, hostsOf, listen, shownHost } from './server/listen.js';
import { checkFolder, openFolderView } from './views/folder-view.js';

/** A live page that is served. */
export interface LivePage {
  /** Its address, with the token that opens it: only for the user's own eyes. */
  readonly url: string;
  readonly port: number;
  /** The command that leads another machine's browser to the address; undefined where it listens for other machines. */
  readonly tunnel: string | undefined;
  /** Resolves once it is closed. */
  readonly closed: Promise<void>;
  /** Tells those who watch why nothing more comes, and ends it. */
  close(reason?: string): Promise<void>;
}

/** What a program can give a live page besides its options. */
export interface LiveHooks {
  readonly signal?: AbortSignal | undefined;
  /** Names tasks and options in what the page says; default as a program writes them. */
  readonly vocabulary?: Vocabulary | undefined;
}

/** What is said where nothing else is, and how the page can be had again. */
const closedBecause = (folder: string, vocabulary: Vocabulary) =>
  `The command that showed this page has ended; this is how it was. ${vocabulary.task('watch', { folder })} shows it again.`;

/**
 * Serves a page that shows a run or a study as it grows, to browsers of this machine's users who
 * have its address. It only reads the folder's files, a second apart and only while somebody looks.
 * Throws a usage error for an address that other machines reach (unless `allowRemote`), a data
 * error for a folder that is neither, `failed` where it cannot listen.
 *
 * @example
 * const page = await openLivePage({ folder: 'checkpoints/first' });
 * console.log(page.url); // http://127.0.0.1:7411/t/…/
 * await page.close();
 */
export async function openLivePage(
  given: LiveOptions,
  { signal, vocabulary = PROGRAM }: LiveHooks = {},
): Promise<LivePage> {
  const settings = parseOptions(liveOptionsSchema, given);
  const { folder, wait, host } = settings;
  checkHost(settings);
  await checkFolder(folder, wait);
  const keys = makeKeys();
  let hosts: ReadonlySet<string> = new Set();
  const handler = openHandler(openFolderView(folder, { name: folderName(folder), vocabulary }), () => ({
    keys,
    hosts,
  }));
  const server = createServer(
    { headersTimeout: 10_000, requestTimeout: 20_000, maxHeaderSize: 8192 },
    handler.listener,
  );
  server.maxConnections = 64;
  const port = await listen(server, settings);
  hosts = hostsOf(host, port);
  const closed = new Promise<void>((resolve) => void server.once('close', resolve));
  let closing: Promise<void> | undefined;
  const close = (reason = closedBecause(folder, vocabulary)) =>
    (closing ??= (async () => {
      await handler.end(reason);
      server.close();
      server.closeIdleConnections();
      // What was said last is on its way; who does not take it is not waited for.
      setTimeout(() => server.closeAllConnections(), 500).unref();
      await closed;
    })());
  if (signal?.aborted) await close();
  signal?.addEventListener('abort', () => void close(), { once: true });
  const name = shownHost(host);
  return {
    url: `http://${name}:${port}/t/${keys.token}/`,
    port,
    tunnel:
      settings.allowRemote && name === hostname()
        ? undefined
        : `ssh -N -L ${port}:127.0.0.1:${port} ${userName()}@${hostname()}`,
    closed,
    close,
  };
}

/** The user's name; an account without one is not refused. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return 'USER';
  }
}
