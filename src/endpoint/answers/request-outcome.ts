import { connectionProblem } from '../../io/http/problem.js';
import { hide } from '../../telemetry/redact.js';
import type { ChatReply, Failure, Usage } from '../types.js';

/** Requests that were sent beside the one that an attempt is of, to find out what the endpoint takes. */
export interface SideRequests {
  readonly requests: number;
  /** Tokens that the endpoint counted for them. */
  readonly usage?: Usage;
}

/** What came of one request. */
export type RequestOutcome = ({ readonly reply: ChatReply } | FailedRequest) & { readonly besides?: SideRequests };

/** What follows from a request without a reply. */
export type FollowUp =
  /** It may pass: the request is sent again. Counts as a try. */
  | 'retry'
  /** Too much was asked in too short a time: everyone waits, then it is sent again. Counts as no try. */
  | 'wait'
  /** The server is not ready yet: it loads a model. Everyone waits, then it is sent again. Counts as no try. */
  | 'load'
  /**
   * The request's own content, length or size is refused: its row is left out. It is no sign of
   * trouble at the endpoint.
   */
  | 'skip'
  /**
   * Refused, and nothing shows whether its row or the endpoint is the cause: its row is left out;
   * many in a row end the run.
   */
  | 'refused'
  /**
   * No other request will be answered either: a refused key, a used-up quota, a model that is not
   * there. Ends the run.
   */
  | 'stop';

/** A request without a reply, and what follows from it. */
export interface FailedRequest {
  readonly failure: Failure;
  readonly next: FollowUp;
  /** How long the endpoint asks to wait, in milliseconds. */
  readonly afterMs?: number;
  /** Tokens that the endpoint counted for it, and charges for, though it gave no reply that can be used. */
  readonly usage?: Usage;
  /** The endpoint may have worked on it, and may charge for it. */
  readonly worked?: boolean;
}

/** Longest part of a server's text that goes into a message. */
const MOST = 300;

/** A text of a server's, for people: one line, short, without secrets. */
export const quote = (text: string): string => {
  const line = hide(text.replace(/\s+/g, ' ').trim());
  return line.length > MOST ? `${line.slice(0, MOST)}...` : line;
};

/** What an error of the connection means. */
export function connectionFailure(error: unknown): FailedRequest {
  const { message, retry, begun } = connectionProblem(error);
  return { failure: { kind: 'network', message: quote(message) }, next: retry ? 'retry' : 'stop', worked: begun };
}

/** The miss of a request that got no whole reply in time. */
export const timeoutFailure = (ms: number): FailedRequest => ({
  failure: { kind: 'timeout', message: `no whole reply in ${ms / 1000} s` },
  next: 'retry',
  worked: true,
});
