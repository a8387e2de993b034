import { afterEach } from 'vitest';
import { type ChatClient, type ClientSettings, createChatClient } from '../../src/endpoint/client.js';
import { resolveEndpoint } from '../../src/endpoint/options.js';
import type { ChatRequest } from '../../src/endpoint/types.js';
import { type Endpoint, type EndpointSettings, startEndpoint } from './endpoint-server.js';

/** The key that {@link connect} uses unless told otherwise. */
export const KEY = 'sk-test-0123456789abcdef';

/** A small request. */
export const REQUEST: ChatRequest = { messages: [{ role: 'user', content: 'item-1: how hard is it?' }], maxTokens: 8 };

/** A request with every feature that an endpoint may refuse. */
export const RICH: ChatRequest = {
  ...REQUEST,
  temperature: 0,
  seed: 1,
  topLogprobs: 5,
  schema: { name: 'rating', schema: { type: 'object' } },
};

/** An attempt with a reply as the server gives it. */
export const says = (text: string, more: object = {}) => ({
  reply: { text, finish: 'stop', usage: { promptTokens: 100, replyTokens: 5 }, ...more },
});

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** A server, and a client of it with what it warns of; both are closed behind the test. */
export async function connect(
  settings: EndpointSettings,
  { key = KEY, query = '', ...more }: ClientSettings & { key?: string; query?: string } = {},
): Promise<{ client: ChatClient; endpoint: Endpoint; warnings: string[] }> {
  const endpoint = await startEndpoint(settings);
  const warnings: string[] = [];
  const logger = { debug: () => {}, info: () => {}, warn: (line: string) => void warnings.push(line) };
  const options = { baseUrl: endpoint.baseUrl + query, model: 'judge', apiKeyEnv: 'A_KEY' };
  const client = createChatClient(resolveEndpoint(options, { A_KEY: key }), { timeoutMs: 5000, logger, ...more });
  closing.push(client.close, endpoint.close);
  return { client, endpoint, warnings };
}
