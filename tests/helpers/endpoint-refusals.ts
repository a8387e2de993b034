import type { Feature } from '../../src/endpoint/types.js';
import type { Asked, Behaviour } from './endpoint-server.js';

// biome-ignore lint/suspicious/noExplicitAny: the body is whatever the client sent
type Body = any;

/** What a server refuses: when, with which status, and with which body. The first that holds is answered. */
export type Refusal = readonly [when: (body: Body, asked: Asked) => boolean, status: number, body: unknown];

/** How one server, or one model of it, takes requests of its own kind. */
export interface ServerDialect {
  readonly refuses: readonly Refusal[];
  /** What the last request must not have. Default: nothing. */
  readonly without?: readonly Feature[];
  /** Name of the limit in the last request. Default: max_tokens. */
  readonly limit?: 'max_completion_tokens';
  /** Alternatives of a token that the last request asks for. Default: 20. */
  readonly most?: number;
  readonly stream?: true;
  /** How the key comes with the last request. Default: as a bearer. */
  readonly key?: 'api-key';
}

/** A request with a field. */
export const has = (field: string) => (body: Body) => field in body;
/** An error as OpenAI gives it. */
export const openai = (message: string, param: string | null, code: string | null) => ({
  error: { message, type: 'invalid_request_error', param, code },
});
/** A field that a model of OpenAI does not take. */
export const unsupported = (
  field: string,
  message = `Unsupported parameter: '${field}' is not supported with this model.`,
) => [has(field), 400, openai(message, field, 'unsupported_parameter')] as const;
/** An error as Gemini's compatible door gives it: in a list. */
export const gemini = (message: string) => [
  {
    error: {
      code: 400,
      message,
      status: 'INVALID_ARGUMENT',
      details: [{ '@type': 'type.googleapis.com/google.rpc.BadRequest', fieldViolations: [{ description: message }] }],
    },
  },
];
/** An error as vLLM gives it. */
export const vllm = (message: string, param: string | null = null) => ({
  error: { message, type: 'BadRequestError', param, code: 400 },
});
/** The fields of a request that are not known, listed as FastAPI does. */
const forbidden = (body: Body, fields: readonly string[]) => ({
  object: 'error',
  message: {
    detail: fields
      .filter((field) => field in body)
      .map((field) => ({
        type: 'extra_forbidden',
        loc: ['body', field],
        msg: 'Extra inputs are not permitted',
        input: body[field],
      })),
  },
});
/** An error of a provider that OpenRouter asks. */
export const openRouter = (provider: string, raw: unknown) => ({
  error: {
    message: 'Provider returned error',
    code: 400,
    metadata: { raw: JSON.stringify(raw), provider_name: provider },
  },
  user_id: 'user',
});
/** A request with a system turn. */
export const system = (body: Body) => body.messages[0].role === 'system';
/** A request for a reply in the shape of a schema. */
export const jsonSchema = (body: Body) => body.response_format?.type === 'json_schema';
/** A schema with bounds of numbers. */
export const bounded = (body: Body) => /"(minimum|maximum)"/.test(JSON.stringify(body.response_format ?? {}));
/** A request for more alternatives of a token. */
export const more = (most: number) => (body: Body) => body.top_logprobs > most;

/** How a server of the table behaves. */
export const behaviourOf =
  ({ refuses }: ServerDialect) =>
  (asked: Asked): Behaviour => {
    const found = refuses.find(([when]) => when(asked.body, asked));
    if (!found) return undefined;
    const [, status, given] = found;
    const body = given === 'forbidden' ? forbidden(asked.body, ['logprobs', 'top_logprobs', 'seed']) : given;
    return ({ response }) =>
      response
        .writeHead(status, { 'content-type': 'application/json' })
        .end(typeof body === 'string' ? body : JSON.stringify(body));
  };
