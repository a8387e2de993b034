import { BlockList, isIP, isIPv6 } from 'node:net';
import { domainToASCII } from 'node:url';

/**
 * Whether NO_PROXY excepts an address from going through a proxy. The list is separated by commas
 * or blanks, as with curl and Go: `*` for all, names that stand for the names below them too (with
 * a leading dot, `*.` or neither), addresses, ranges such as 10.0.0.0/8, each with a port or
 * without. Other entries have no effect.
 */
export function excepted(url: URL, list: string): boolean {
  const host = bare(url.hostname);
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  return list
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .some((entry) => entry === '*' || matches(entry, host, port));
}

/** A host without the brackets of IPv6 and the dot that may end a name. */
const bare = (host: string): string => host.replace(/^\[|\]$/g, '').replace(/\.$/, '');

function matches(entry: string, host: string, port: string): boolean {
  const [, name = entry, wanted] = isIPv6(entry) ? [] : (/^(.*?)(?::(\d+))?$/.exec(entry) ?? []);
  if (wanted !== undefined && Number(wanted) !== Number(port)) return false;
  if (isIP(host)) return inRange(host, bare(name));
  const domain = domainToASCII(bare(name).replace(/^\*?\./, ''));
  return domain !== '' && (host === domain || host.endsWith(`.${domain}`));
}

function inRange(host: string, entry: string): boolean {
  const [, first = entry, bits] = /^(.*)\/(\d+)$/.exec(entry) ?? [];
  const family = isIPv6(first) ? 'ipv6' : 'ipv4';
  if (!isIP(first) || Number(bits) > (family === 'ipv6' ? 128 : 32)) return false;
  const range = new BlockList();
  if (bits === undefined) range.addAddress(first, family);
  else range.addSubnet(first, Number(bits), family);
  return range.check(host, isIPv6(host) ? 'ipv6' : 'ipv4');
}
