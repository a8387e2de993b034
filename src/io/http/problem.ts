import { BodyFailure } from './body.js';
import { http2Only, type Party, type TlsProblem, tlsProblem } from './tls-problem.js';
import { neverSent, ProxyFailure } from './tunnel.js';

/** What an error of a connection means. */
export interface ConnectionProblem {
  /** One clause: what is wrong, and what to do where that is known. May quote the server, with control characters. */
  readonly message: string;
  /** Asking again may help. */
  readonly retry: boolean;
  /** The server may have got the request. */
  readonly begun: boolean;
}

/** What an error of `Connections.send`, or of reading an answer's body, means; the error may be the cause of others. */
export function connectionProblem(error: unknown): ConnectionProblem {
  const chain = causesOf(error);
  const proxy = chain.find((each) => each instanceof ProxyFailure);
  if (proxy) return proxyProblem(proxy);
  const body = chain.find((each) => each instanceof BodyFailure);
  if (body) return { message: body.message, retry: body.retry, begun: true };
  const cause = chain.at(-1);
  if (!(cause instanceof Error)) return { message: broken(String(cause)), retry: true, begun: true };
  const lasting = lastingProblem(cause, { name: 'the server', address: 'its address' });
  if (lasting) return { message: `${lasting.message}; ${lasting.fix}`, retry: false, begun: false };
  const begun = !neverSent(cause);
  const why = codeOf(cause);
  return { message: begun ? broken(why) : `no connection (${why})`, retry: true, begun };
}

const broken = (why: string): string => `no connection, or it broke (${why})`;

/** An error and its causes, the outermost first. */
function causesOf(error: unknown): unknown[] {
  const chain = [error];
  for (let last = error; last instanceof Error && last.cause instanceof Error && chain.length < 20; ) {
    last = last.cause;
    chain.push(last);
  }
  return chain;
}

/** An error's code, which an address with several numbers has in a list, or else its words. */
function codeOf(error: Error): string {
  const { code, errors } = error as { code?: unknown; errors?: { code?: unknown }[] };
  const name = code ?? errors?.[0]?.code;
  return typeof name === 'string' ? name : error.message;
}

/** What another try would find again. */
function lastingProblem(error: Error, party: Party): TlsProblem | undefined {
  const { data } = error as { data?: unknown };
  if (error.name !== 'HTTPParserError' || typeof data !== 'string') return tlsProblem(error, party);
  // What the bytes are that came in the place of an answer: the settings that begin HTTP/2, or an alert of TLS.
  const codeAt = (place: number) => data.charCodeAt(place);
  if (data.startsWith('\0\0') && codeAt(3) === 4 && data.slice(5, 9) === '\0\0\0\0') return http2Only(party.name);
  if (codeAt(0) === 0x15 && codeAt(1) === 3)
    return {
      message: `${party.name} speaks TLS`,
      fix: `write https:// instead of http:// in ${party.address}`,
    };
  return undefined;
}

/**
 * The kinds of log-in that a header names, each followed by its settings, as in
 * `Negotiate, Basic realm="a", charset="b"`.
 */
const logInKinds = (header: string): string[] =>
  header.split(',').flatMap((part) => /^\s*([a-z][a-z0-9-]*)(?:\s|$)/i.exec(part)?.[1]?.toLowerCase() ?? []);

function proxyProblem({ proxy, refusal, cause }: ProxyFailure): ConnectionProblem {
  const { place, variable, authorization } = proxy;
  const problem = (message: string, retry = false) => ({
    message: `the proxy ${place} ${message}`,
    retry,
    begun: false,
  });
  const kinds = refusal?.status === 407 ? logInKinds(refusal.said) : [];
  if (kinds.length > 0 && !kinds.includes('basic'))
    return problem(`asks for a log-in by ${kinds.join(', ')} (407), of which none is supported; expected basic`);
  if (refusal?.status === 407)
    return problem(
      authorization
        ? `refuses the user name and password that ${variable} holds (407)`
        : `asks for a user name and password (407); put them into ${variable} as USER:PASSWORD@${place}`,
    );
  if (refusal) {
    const { status, said } = refusal;
    const passing = status >= 500 || status === 408 || status === 429;
    return problem(`does not open a tunnel to the server (${status}${said && ` ${said}`})`, passing);
  }
  const code = cause instanceof Error ? codeOf(cause) : String(cause);
  const lasting = cause instanceof Error && lastingProblem(cause, { name: `the proxy ${place}`, address: variable });
  if (lasting) return { message: `${lasting.message}; ${lasting.fix}`, retry: false, begun: false };
  if (/^HPE_/.test(code)) return problem(`does not speak HTTP (${code}); check ${variable}`);
  return problem(
    `that ${variable} names ${neverSent(cause) ? 'cannot be reached' : 'breaks the connection'} (${code})`,
    true,
  );
}
