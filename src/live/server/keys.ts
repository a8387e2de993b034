import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** What opens a live page. New for each page, and never written to a file. */
export interface Keys {
  /** In the address that is printed: 128 random bits. Whoever has it has the page. */
  readonly token: string;
  /** In the address that a browser shows afterwards; of no use without the cookie. */
  readonly place: string;
  /** Value of the cookie that a browser gets when it opens the address with the token. */
  readonly cookie: string;
}

const base64url = (bytes: Buffer) => bytes.toString('base64url');
const derived = (token: string, use: string) => createHash('sha256').update(`phasetune ${use} ${token}`).digest();

/** Makes keys; see {@link Keys}. */
export function makeKeys(token = base64url(randomBytes(16))): Keys {
  return { token, place: base64url(derived(token, 'place')).slice(0, 12), cookie: base64url(derived(token, 'cookie')) };
}

/** Whether two texts are the same, in a time that does not depend on where they differ. */
export function isSameSecret(given: string, secret: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(secret));
}

/** Name of the cookie. */
const COOKIE = 'phasetune';

/**
 * The cookie as a header. Only for the page's own place: browsers send cookies of 127.0.0.1 to
 * every port there, and on a machine that many use, another port may belong to someone else.
 */
export const cookieHeader = ({ cookie, place }: Keys): string =>
  `${COOKIE}=${cookie}; Path=/p/${place}/; HttpOnly; SameSite=Strict`;

/** Whether the header `Cookie` of a request has the cookie. */
export function hasCookie(header: string | undefined, { cookie }: Keys): boolean {
  const pairs = (header ?? '').split(';').map((pair) => pair.trim());
  return pairs.some((pair) => pair.startsWith(`${COOKIE}=`) && isSameSecret(pair.slice(COOKIE.length + 1), cookie));
}
