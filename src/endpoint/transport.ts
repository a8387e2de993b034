import { BodyFailure, readBody, textOf } from '../io/http/body.js';
import { type HttpAnswer, openConnections } from '../io/http/connections.js';

/** Longest body that is read, in bytes: a reply with the alternatives of thousands of tokens has a few MiB. */
const MAX_BODY_BYTES = 16 << 20;

/** What a server answered, whole. */
export interface WholeAnswer {
  readonly status: number;
  /** By names in small letters. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** True for a status of success. */
export const isSuccess = ({ status }: Pick<WholeAnswer, 'status'>): boolean => status >= 200 && status <= 299;

/** How requests get to a server and answers back. */
export interface Transport {
  /** Posts JSON. Throws where no whole answer came; `connectionProblem` says why. */
  post(url: string, headers: Readonly<Record<string, string>>, body: string, signal: AbortSignal): Promise<WholeAnswer>;
  /** Closes all connections at once. */
  close(): Promise<void>;
}

/** Opens connections to a server; the caller sets time limits. Throws a usage error for an invalid proxy in the environment. */
export function openTransport(baseUrl: string): Transport {
  const connections = openConnections();
  connections.check(baseUrl);
  return {
    close: connections.close,
    async post(url, headers, body, signal) {
      const answer = await connections.send(url, { method: 'POST', headers: { ...HEADERS, ...headers }, body, signal });
      const { status } = answer;
      const text = await textIn(answer).catch((reason: unknown) => {
        // The status says more than a body that cannot be read.
        if (!isSuccess({ status }) && reason instanceof BodyFailure) return reason.message;
        throw reason;
      });
      return { status, headers: answer.headers, body: text };
    },
  };
}

/** What is asked of a judge is short, and so are most replies: nothing is packed. */
const HEADERS = {
  accept: 'application/json',
  'accept-encoding': 'identity',
  'content-type': 'application/json',
  'user-agent': 'phasetune',
};

async function textIn(answer: HttpAnswer): Promise<string> {
  const bytes = await readBody(answer, MAX_BODY_BYTES);
  const text = textOf(bytes);
  if (text !== undefined) return text;
  throw new BodyFailure(`a body that is not text (${bytes.length} bytes)`, true);
}
