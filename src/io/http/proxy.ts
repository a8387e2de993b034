import { usageError } from '../../core/errors.js';
import { isLocalHost } from './local-host.js';
import { excepted } from './no-proxy.js';

/** Variables of the environment, by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A proxy that an environment variable names. */
export interface HttpProxy {
  /** The variable, for messages. */
  readonly variable: string;
  readonly origin: string;
  /** Name and port, for messages. */
  readonly place: string;
  /** Secret: what it asks for as `proxy-authorization`. */
  readonly authorization?: string;
}

/**
 * The proxy that leads to an address, by the variables that curl obeys: http_proxy or https_proxy
 * by the address's scheme, otherwise all_proxy, in small letters first; none for what no_proxy
 * excepts, nor for a host of this machine or network. Throws a usage error that names the variable,
 * and nothing of its value, when that holds no address of a proxy.
 */
export function proxyFor(url: URL, environment: Environment): HttpProxy | undefined {
  if (isLocalHost(url.hostname)) return undefined;
  const variable = [`${url.protocol.slice(0, -1)}_proxy`, 'all_proxy']
    .map((name) => filled(name, environment))
    .find(Boolean);
  if (!variable) return undefined;
  const list = filled('no_proxy', environment);
  if (list && excepted(url, environment[list]!)) return undefined;
  return parsed(variable, environment[variable]!.trim());
}

/** The name, in small letters or in capitals, of a variable that is not empty. */
const filled = (name: string, environment: Environment): string | undefined =>
  [name, name.toUpperCase()].find((candidate) => environment[candidate]?.trim());

function parsed(variable: string, value: string): HttpProxy {
  const [, scheme] = /^([a-z][a-z0-9+.-]*):\/\//i.exec(value) ?? [];
  if (scheme && !/^https?$/i.test(scheme))
    throw usageError(
      `${variable} names a proxy of the kind ${scheme.toLowerCase()}, which is not supported; expected an address such as http://proxy.example:3128`,
      { variable },
    );
  const text = scheme ? value : `http://${value}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url?.hostname || url.pathname !== '/' || url.search || url.hash || /\s/.test(value))
    throw usageError(
      `${variable} does not hold the address of a proxy; expected one such as http://proxy.example:3128 or http://USER:PASSWORD@proxy.example:3128 ` +
        'with nothing after the port, where a character such as @, #, / or a blank in a password is written as %40, %23, %2F, %20',
      { variable },
    );
  const credentials = url.username || url.password ? [url.username, url.password].map(decoded) : undefined;
  return {
    variable,
    origin: url.origin,
    place: `${url.hostname}:${url.port || (url.protocol === 'https:' ? 443 : 80)}`,
    ...(credentials && { authorization: `Basic ${Buffer.from(credentials.join(':'), 'latin1').toString('base64')}` }),
  };
}

/** Bytes, one a character; a percent sign that does not begin such a byte stands for itself. */
const decoded = (text: string): string =>
  text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
