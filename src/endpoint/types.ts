/** One turn sent to an endpoint. */
export interface RequestMessage {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

/** What is asked of an OpenAI-compatible endpoint, except the model's name. */
export interface ChatRequest {
  readonly messages: readonly RequestMessage[];
  /** Left out: the endpoint's default. */
  readonly temperature?: number;
  /** Most tokens of the reply. */
  readonly maxTokens?: number;
  readonly seed?: number;
  /** Shape of the reply as a JSON Schema with a name, for endpoints with structured output. */
  readonly schema?: { readonly name: string; readonly schema: Readonly<Record<string, unknown>> };
  /** Alternatives of each token to give log-probabilities of. Left out: none. */
  readonly topLogprobs?: number;
}

/** A token of a reply and how likely it and others were at its place, in nats. */
export interface TokenLogprob {
  readonly token: string;
  readonly logprob: number;
  readonly top: readonly { readonly token: string; readonly logprob: number }[];
}

/** Tokens that an endpoint counted. */
export interface Usage {
  readonly promptTokens: number;
  readonly replyTokens: number;
}

/** What an endpoint may not support, and is then asked without. */
export type Feature = 'schema' | 'logprobs' | 'systemTurn' | 'temperature' | 'seed';

/** What an endpoint said, as it said it. */
export interface ChatReply {
  readonly text: string;
  /** `stop`, `length`, `content_filter`, ... */
  readonly finish: string;
  readonly usage?: Usage;
  /** The model that replied, by the server's name for it, where that is another one than was asked. */
  readonly model?: string;
  /** What the request asked for and was answered without, since the endpoint refuses it; absent: nothing. */
  readonly without?: readonly Feature[];
  readonly logprobs?: readonly TokenLogprob[];
}

/** Why there is no reply, coarsely: decides whether asking again may help. */
export type FailureKind =
  | 'refused-key'
  | 'refused-request'
  /** The request is too long for the model's context, or too large for what the account may use in a minute. */
  | 'too-long'
  | 'rate-limit'
  /** The account's credit or its limit of a day or month is used up. */
  | 'quota'
  | 'server'
  | 'network'
  | 'timeout'
  | 'no-reply'
  /** Given up while it was asked, since the run ended. */
  | 'interrupted'
  | 'content-filter';

/** Why there is no reply. `message` is for people and holds no secret. */
export interface Failure {
  readonly kind: FailureKind;
  readonly status?: number;
  readonly message: string;
}

/** A request under a key that says what it is: equal keys are never asked twice after an answer. */
export interface Question {
  /** Hash of model, parameters, rubric and item. */
  readonly key: string;
  /** Id of the row, for people. */
  readonly item: string;
  readonly request: ChatRequest;
}

/** What came of a question in the end, after all tries. */
export type SettledQuestion = {
  readonly key: string;
  readonly item: string;
  /** Requests sent for it in this run. */
  readonly tries: number;
} & ({ readonly reply: ChatReply } | { readonly failure: Failure });
