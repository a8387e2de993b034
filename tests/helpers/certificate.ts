import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { isIP } from 'node:net';

/** A certificate with its private key, as PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** What a certificate says; whoever signs it is itself unless `issuer` is given. */
interface CertificateOptions {
  /** Hosts that it is for: names and addresses of IPv4. */
  readonly hosts: readonly string[];
  readonly issuer?: Authority;
  readonly from?: Date;
  readonly to?: Date;
}

/** Something that signs certificates. */
export interface Authority extends Certificate {
  readonly name: string;
  readonly signer: KeyObject;
}

const DAY = 86_400_000;

/** Bytes of a value in DER: tag, length, content. */
function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const head = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([tag, ...head]), content]);
}

const sequence = (...parts: readonly Uint8Array[]) => der(0x30, ...parts);
const oid = (hex: string) => der(0x06, Buffer.from(hex, 'hex'));
const ECDSA_SHA256 = sequence(oid('2a8648ce3d040302'));
const named = (name: string) => sequence(der(0x31, sequence(oid('550403'), der(0x0c, Buffer.from(name)))));
const time = (date: Date) => der(0x18, Buffer.from(date.toISOString().replace(/[-:T]|\.\d+/g, '')));
const extension = (id: string, value: Buffer) => sequence(oid(id), der(0x04, value));
const hostName = (host: string) =>
  isIP(host) ? der(0x87, Buffer.from(host.split('.').map(Number))) : der(0x82, Buffer.from(host));

const pem = (bytes: Buffer) =>
  `-----BEGIN CERTIFICATE-----\n${bytes
    .toString('base64')
    .match(/.{1,64}/g)!
    .join('\n')}\n-----END CERTIFICATE-----\n`;

let serial = 1;

function issue(name: string, options: CertificateOptions & { readonly authority?: boolean }): Authority {
  const { hosts, issuer, from = new Date(Date.now() - DAY), to = new Date(Date.now() + DAY), authority } = options;
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const extensions = [
    ...(authority ? [extension('551d13', sequence(der(0x01, Buffer.from([255]))))] : []),
    ...(hosts.length > 0 ? [extension('551d11', sequence(...hosts.map(hostName)))] : []),
  ];
  const signed = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.from([serial++ & 127])),
    ECDSA_SHA256,
    named(issuer?.name ?? name),
    sequence(time(from), time(to)),
    named(name),
    publicKey.export({ type: 'spki', format: 'der' }),
    ...(extensions.length > 0 ? [der(0xa3, sequence(...extensions))] : []),
  );
  const signature = sign('sha256', signed, issuer?.signer ?? privateKey);
  const cert = pem(sequence(signed, ECDSA_SHA256, der(0x03, Buffer.from([0]), signature)));
  return { name, signer: privateKey, cert, key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string };
}

/** A new authority, made by Node alone: P-256, X.509 version 3. */
export const makeAuthority = (name: string): Authority => issue(name, { hosts: [], authority: true });

/** A new certificate of a server, valid from yesterday to tomorrow unless told otherwise. */
export const makeCertificate = (options: CertificateOptions): Certificate =>
  issue(options.hosts[0] ?? 'nobody', options);
