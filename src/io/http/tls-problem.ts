/** Why a TLS connection cannot be: it stays so however often it is tried. */
export interface TlsProblem {
  /** What is wrong with whom; names a code of OpenSSL's or Node's. */
  readonly message: string;
  /** What to do about it. */
  readonly fix: string;
}

/** Of whom a message speaks, and the address's two schemes for it: a server that is asked, or the proxy before it. */
export interface Party {
  readonly name: string;
  /** Where the scheme of its address is set. */
  readonly address: string;
}

const UNKNOWN_AUTHORITY = 'comes from an authority that is not known here';
const ADD_CERTIFICATE =
  'if you trust it, put it as PEM into a file and set NODE_EXTRA_CA_CERTS to the path of that file';
const ADD_AUTHORITY =
  'if you trust that authority, put its certificate as PEM into a file and set NODE_EXTRA_CA_CERTS to the path of that file';
const RENEW = "it has to be renewed there, unless this machine's clock is wrong";

/** What is wrong with a certificate, by Node's code, and what helps. */
const CERTIFICATES: Readonly<Record<string, readonly [what: string, fix: string]>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: ['is self-signed', ADD_CERTIFICATE],
  SELF_SIGNED_CERT_IN_CHAIN: [UNKNOWN_AUTHORITY, ADD_AUTHORITY],
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: [UNKNOWN_AUTHORITY, ADD_AUTHORITY],
  UNABLE_TO_GET_ISSUER_CERT: [UNKNOWN_AUTHORITY, ADD_AUTHORITY],
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: [UNKNOWN_AUTHORITY, ADD_AUTHORITY],
  CERT_UNTRUSTED: [UNKNOWN_AUTHORITY, ADD_AUTHORITY],
  CERT_HAS_EXPIRED: ['has expired', RENEW],
  CERT_NOT_YET_VALID: ['is not valid yet', RENEW],
  ERR_TLS_CERT_ALTNAME_INVALID: ['is for another host', 'check the host in the address'],
  HOSTNAME_MISMATCH: ['is for another host', 'check the host in the address'],
  CERT_REVOKED: ['was revoked', 'it has to be renewed there'],
};

/** Other codes of certificates, for which there is no more to say. */
const OTHER_CERTIFICATE =
  /^(?!ERR_SSL_)(.*(CERT|CRL)_.*|.*_(CERT|CRL)|.*_ISSUER_.*|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_EXCEEDED|UNSPECIFIED)$/;

const NO_TLS = /WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST|wrong version number|packet length too long/;
/** Errors of TLS that another try may not have. */
const PASSING = /BAD_RECORD|DECRYPTION_FAILED|INTERNAL_ERROR|UNEXPECTED_EOF/;

/** Longest part of an error's own words, which may list a hundred hosts. */
const MOST = 120;

/** What an error says of TLS; undefined where it is about something else, or may pass. */
export function tlsProblem(error: Error, { name, address }: Party): TlsProblem | undefined {
  const { code, reason } = error as { code?: unknown; reason?: unknown };
  if (typeof code !== 'string') return undefined;
  const said = (typeof reason === 'string' ? reason : error.message).slice(0, MOST);
  const certificate = certificateProblem(code, said);
  if (certificate) return { message: `the certificate of ${name} ${certificate.message}`, fix: certificate.fix };
  if (!/^(EPROTO|ERR_SSL_)/.test(code) || PASSING.test(code)) return undefined;
  const why = typeof reason === 'string' ? said : code;
  if (NO_TLS.test(`${code} ${error.message}`))
    return { message: `${name} does not speak TLS (${why})`, fix: `write http:// instead of https:// in ${address}` };
  if (/NO_APPLICATION_PROTOCOL/.test(code)) return http2Only(name);
  return { message: `no TLS connection to ${name} is possible (${why})`, fix: 'check its TLS settings' };
}

function certificateProblem(code: string, said: string): TlsProblem | undefined {
  const known = CERTIFICATES[code];
  // Which hosts it is for is only in the words.
  const why = known && code !== 'ERR_TLS_CERT_ALTNAME_INVALID' ? code : `${code}: ${said}`;
  if (known) return { message: `${known[0]} (${why})`, fix: known[1] };
  return OTHER_CERTIFICATE.test(code)
    ? { message: `is refused (${why})`, fix: 'it has to be replaced there' }
    : undefined;
}

/** What to report about a server that answers in HTTP/2 whatever it is asked in. */
export const http2Only = (name: string): TlsProblem => ({
  message: `${name} speaks HTTP/2 only`,
  fix: 'allow HTTP/1.1 there, or put a gateway that speaks it in front',
});
