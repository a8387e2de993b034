import type { ChatRequest, RequestMessage } from '../types.js';
import type { Dialect } from './dialect.js';

/**
 * The body of a request for a chat completion (POST /chat/completions of OpenAI's API), in a
 * dialect. The limit of tokens is always in it.
 */
export function bodyOf(request: ChatRequest, model: string, dialect: Dialect): Readonly<Record<string, unknown>> {
  const { temperature, maxTokens, seed, schema, topLogprobs } = request;
  const { without, limit, mostLogprobs, stream } = dialect;
  const messages = without.has('systemTurn') ? withoutSystemTurn(request.messages) : request.messages;
  return {
    model,
    messages: messages.map(({ role, content }) => ({ role, content })),
    ...(temperature !== undefined && !without.has('temperature') && { temperature }),
    ...(maxTokens !== undefined && { [limit]: maxTokens }),
    ...(seed !== undefined && !without.has('seed') && { seed }),
    ...(schema &&
      !without.has('schema') && {
        response_format: {
          type: 'json_schema',
          json_schema: { name: schema.name, schema: { ...schema.schema }, strict: true },
        },
      }),
    ...(topLogprobs !== undefined &&
      !without.has('logprobs') && { logprobs: true, top_logprobs: Math.min(topLogprobs, mostLogprobs) }),
    // Without this a stream does not say how many tokens it cost.
    ...(stream && { stream: true, stream_options: { include_usage: true } }),
  };
}

/** The system turn's text at the beginning of the user turn. */
function withoutSystemTurn(messages: readonly RequestMessage[]): readonly RequestMessage[] {
  const [first, second, ...rest] = messages;
  if (first?.role !== 'system' || second?.role !== 'user') return messages;
  return [{ role: 'user', content: `${first.content}\n\n${second.content}` }, ...rest];
}
