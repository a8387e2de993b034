import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { hostname, networkInterfaces } from 'node:os';
import { PhasetuneError, usageError } from '../../core/errors.js';
import { FIRST_PORT, type LiveSettings } from '../options.js';

/** Ports after the first one that are tried before any free one is taken. */
const MORE_PORTS = 10;

/** Whether an address is this machine's own, which only its users reach. */
const isLoopback = (host: string): boolean => /^(localhost|::1|\[::1\]|127(\.\d{1,3}){3})$/i.test(host);

/** Refuses an address that other machines reach, unless that was allowed. */
export function checkHost({ host, allowRemote }: Pick<LiveSettings, 'host' | 'allowRemote'>): void {
  if (allowRemote || isLoopback(host)) return;
  throw usageError(`${host}: other machines could connect there, and what the page shows would travel unencrypted`, {
    option: 'host',
    remedies: [
      { option: 'host', change: 'omit', note: 'and use `ssh -L`, whose command is printed with the address' },
      { option: 'allowRemote', change: 'set', note: 'if you mean it' },
    ],
  });
}

/** Listens on the wanted port, on one of the next ten if it is taken, or on any. Resolves to the port. */
export async function listen(server: Server, { host, port = FIRST_PORT }: Pick<LiveSettings, 'host' | 'port'>) {
  const wanted = port === 0 ? [0] : [...Array.from({ length: MORE_PORTS + 1 }, (_, i) => port + i), 0];
  for (const candidate of wanted.filter((each) => each <= 65_535))
    if (await listenOn(server, host.replace(/^\[|\]$/g, ''), candidate)) return (server.address() as AddressInfo).port;
  throw new PhasetuneError('failed', `cannot listen on ${host}: no port is free`, { option: 'port' });
}

/** Codes of a port that another one has, or that is not for this user. */
const TAKEN = new Set(['EADDRINUSE', 'EACCES']);

function listenOn(server: Server, host: string, port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const done = (listening: boolean) => {
      server.off('error', failed).off('listening', succeeded);
      resolve(listening);
    };
    const failed = (cause: NodeJS.ErrnoException) => {
      if (TAKEN.has(cause.code ?? '') && port !== 0) return done(false);
      const why =
        cause.code === 'EADDRNOTAVAIL' || cause.code === 'ENOTFOUND'
          ? 'this machine has no such address'
          : cause.message;
      reject(
        new PhasetuneError(
          'failed',
          `cannot listen on ${host}: ${why}`,
          { option: 'host', errno: cause.code },
          { cause },
        ),
      );
    };
    const succeeded = () => done(true);
    server.on('error', failed).on('listening', succeeded).listen({ host, port, exclusive: true });
  });
}

/** What `Host` may be: names of this machine's own address and, where it listens on another, of that. */
export function hostsOf(host: string, port: number): ReadonlySet<string> {
  const names = ['127.0.0.1', 'localhost', '[::1]'];
  if (!isLoopback(host)) {
    const addresses = Object.values(networkInterfaces()).flatMap((all = []) => all.map(({ address }) => address));
    names.push(hostname(), bracketed(host), ...addresses.map(bracketed));
  }
  // Browsers leave out the port of the scheme.
  return new Set(
    names.flatMap((name) => [`${name}:${port}`, ...(port === 80 ? [name] : [])].map((each) => each.toLowerCase())),
  );
}

const bracketed = (host: string) => (host.includes(':') && !host.startsWith('[') ? `[${host}]` : host);

/** The host in the address that is printed: one that a browser can open. */
export const shownHost = (host: string): string =>
  /^(0\.0\.0\.0|::|\[::\])$/.test(host) ? hostname() : bracketed(host);
