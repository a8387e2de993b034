import type { ChatCompletionCreateParamsNonStreaming } from 'openai/resources/chat/completions';
import type { ErrorBody } from './error-body.js';
import type { ChatRequest, Feature } from './types.js';

/** How to tell from a refusal which feature it is about, and what people are told. */
const FEATURES: Readonly<Record<Feature, { readonly named: RegExp; readonly told: string }>> = {
  logprobs: { named: /logprobs/i, told: 'log-probabilities; replies come without them' },
  schema: {
    named: /response_format|json_?schema|structured output|guided|grammar/i,
    told: 'replies in the shape of a JSON Schema; it is asked in words alone',
  },
  maxTokens: { named: /max_(completion_)?tokens/i, told: 'this name of the limit of tokens; the other one is used' },
  temperature: { named: /temperature/i, told: 'a temperature; its own is used' },
  seed: { named: /\bseed\b/i, told: 'a seed; replies may differ from run to run' },
  systemTurn: { named: /(?!)/, told: 'a system turn; its text begins the user turn' },
};

/** What of a request the endpoint's maker calls by which name, and what it turned out not to have. */
export interface Dialect {
  /** What reasoning models want it called; others may not know it, and would then write without a limit. */
  readonly limit: 'max_tokens' | 'max_completion_tokens';
  readonly without: ReadonlySet<Feature>;
}

/** A dialect to begin with. */
export const firstDialect = (baseUrl: string): Dialect => ({
  limit: new URL(baseUrl).hostname === 'api.openai.com' ? 'max_completion_tokens' : 'max_tokens',
  without: new Set(),
});

/** The body of a request. */
export function bodyOf(request: ChatRequest, model: string, dialect: Dialect): ChatCompletionCreateParamsNonStreaming {
  const { messages, temperature, maxTokens, seed, schema, topLogprobs } = request;
  const has = (feature: Feature) => !dialect.without.has(feature);
  return {
    model,
    messages: messages.map(({ role, content }) => ({ role, content })),
    ...(temperature !== undefined && has('temperature') && { temperature }),
    ...(maxTokens !== undefined && { [dialect.limit]: maxTokens }),
    ...(seed !== undefined && has('seed') && { seed }),
    ...(schema &&
      has('schema') && {
        response_format: {
          type: 'json_schema' as const,
          json_schema: { name: schema.name, schema: { ...schema.schema }, strict: true },
        },
      }),
    ...(topLogprobs !== undefined && has('logprobs') && { logprobs: true, top_logprobs: topLogprobs }),
  };
}

/** Statuses of a server that does not take a request as it is. */
const NOT_TAKEN = new Set([400, 415, 422, 501]);

/** A prompt that is too long is told in words that name the limit of tokens. */
const TOO_LONG = /context.{0,20}length|context_length|too (long|large|many)|reduce/i;

/** The feature that a refusal is about, by the parameter that it names, else by its words; undefined where it is about none that was sent. */
export function refusedFeature(
  status: number,
  error: ErrorBody,
  request: ChatRequest,
  dialect: Dialect,
): Feature | undefined {
  if (!NOT_TAKEN.has(status)) return undefined;
  const sent: Record<Feature, boolean> = {
    logprobs: request.topLogprobs !== undefined,
    schema: request.schema !== undefined,
    maxTokens: request.maxTokens !== undefined && !TOO_LONG.test(`${error.code} ${error.message}`),
    temperature: request.temperature !== undefined,
    seed: request.seed !== undefined,
    systemTurn: false,
  };
  const about = (text: string) =>
    (Object.keys(FEATURES) as Feature[]).find(
      (feature) => sent[feature] && !dialect.without.has(feature) && FEATURES[feature].named.test(text),
    );
  return (error.param && about(error.param)) || about(error.message);
}

/** The dialect without a feature, or with the other name of the limit. */
export function without(dialect: Dialect, feature: Feature): Dialect {
  const lacking = new Set([...dialect.without, feature]);
  if (feature !== 'maxTokens') return { ...dialect, without: lacking };
  return { limit: dialect.limit === 'max_tokens' ? 'max_completion_tokens' : 'max_tokens', without: lacking };
}

/** What people are told of a feature that an endpoint does not have. */
export const toldOf = (feature: Feature): string => FEATURES[feature].told;
