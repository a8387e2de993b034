import * as z from 'zod';
import { usageError } from '../core/errors.js';
import { isLocalHost } from '../io/http/local-host.js';

/** Which endpoint is asked, and how: how much at once, how long a reply may take, when a question is asked again. */
export const endpointOptionsSchema = z.strictObject({
  baseUrl: z
    .string()
    .min(1)
    .optional()
    .describe(
      'address of an OpenAI-compatible endpoint, up to /v1 [OPENAI_BASE_URL, otherwise https://api.openai.com/v1]',
    ),
  model: z.string().min(1).optional().describe('name of the model at the endpoint'),
  apiKeyEnv: z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'expected the name of an environment variable, not the key itself')
    .default('OPENAI_API_KEY')
    .describe('environment variable that holds the key; an endpoint on this machine or network needs none'),
  concurrency: z.number().int().min(1).max(1000).default(8).describe('requests in flight together'),
  requestsPerMinute: z.number().positive().optional().describe('maximum requests per minute [no limit]'),
  tokensPerMinute: z
    .number()
    .positive()
    .optional()
    .describe('most tokens of requests and replies together per minute [no limit]'),
  timeoutSeconds: z
    .number()
    .positive()
    .max(86_400)
    .default(120)
    .describe(
      'longest wait for a whole reply, in seconds; where one takes ten times as long as the slowest before it, the question is sent a second time in parallel',
    ),
  tries: z.number().int().min(1).max(100).default(6).describe('attempts per question before it is left out'),
  retryWait: z
    .number()
    .min(0)
    .max(600)
    .default(1)
    .describe(
      'upper bound of the random wait before the first retry, in seconds, where the endpoint names none; doubles with each retry, up to 60 (exponential backoff with jitter)',
    ),
  retryBudget: z
    .number()
    .min(0)
    .optional()
    .describe(
      'most retries in total: a share of the questions when below 1, otherwise a number [one per question, at least 100]; waits for a rate limit do not count',
    ),
  maxCost: z
    .number()
    .min(0)
    .optional()
    .describe(
      'most US dollars to spend on this output, over all runs with its ledger; stops before exceeding it; needs a known price',
    ),
  prices: z
    .string()
    .min(1)
    .optional()
    .describe('file of prices that is searched first, in the format of docs/prices.json'),
});

/** See {@link endpointOptionsSchema}. */
export type EndpointOptions = z.infer<typeof endpointOptionsSchema>;

/** An endpoint's address, model and key, every default filled in. */
export interface EndpointAddress {
  /** Without a slash at its end. */
  readonly baseUrl: string;
  readonly model: string;
  /** Secret. Absent where none is needed. */
  readonly apiKey?: string;
  /** On this machine or its network. Most such servers charge nothing, but a gateway to others may. */
  readonly local: boolean;
  /** Headers that go with every request. */
  readonly headers?: Readonly<Record<string, string>>;
}

const OPENAI = 'https://api.openai.com/v1';

/**
 * Fills in defaults and the key from the environment. Throws a usage error for an invalid address
 * or one with credentials in it, for a missing model, and for a missing or unusable key.
 */
export function resolveEndpoint(
  { baseUrl, model, apiKeyEnv }: Pick<EndpointOptions, 'baseUrl' | 'model' | 'apiKeyEnv'>,
  environment: Readonly<Record<string, string | undefined>>,
): EndpointAddress {
  const url = checkedUrl(baseUrl ?? (environment.OPENAI_BASE_URL?.trim() || OPENAI));
  if (model === undefined)
    throw usageError(`no model is named; expected the name that ${url.host} knows it by`, {
      option: 'model',
      remedies: [{ option: 'model', change: 'set' }],
    });
  const local = isLocalHost(url.hostname);
  const apiKey = environment[apiKeyEnv]?.trim();
  if (!apiKey && !local)
    throw usageError(`no key for ${url.host}`, {
      option: 'apiKeyEnv',
      remedies: [
        { advice: `set the environment variable ${apiKeyEnv}` },
        { option: 'apiKeyEnv', change: 'set', note: 'to the name of another one' },
      ],
    });
  if (apiKey && !/^[\x21-\x7e]+$/.test(apiKey))
    throw usageError(`the key in ${apiKeyEnv} has spaces, line breaks or other characters that no key has`, {
      option: 'apiKeyEnv',
    });
  const headers = accountHeaders(url, environment);
  return { baseUrl: plain(url), model, local, ...(apiKey && { apiKey }), ...(headers && { headers }) };
}

/** Who pays at OpenAI, where the environment says it; other servers have no use for it. */
function accountHeaders(
  { hostname }: URL,
  environment: Readonly<Record<string, string | undefined>>,
): Record<string, string> | undefined {
  const [organization, project] = [environment.OPENAI_ORG_ID?.trim(), environment.OPENAI_PROJECT_ID?.trim()];
  if (hostname !== 'api.openai.com' || !(organization || project)) return undefined;
  return {
    ...(organization && { 'openai-organization': organization }),
    ...(project && { 'openai-project': project }),
  };
}

function checkedUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol))
    throw usageError(`"${text}" is not an address; expected one such as http://localhost:8000/v1`, {
      option: 'baseUrl',
    });
  if (url.username || url.password)
    throw usageError('the address has a user name or a password in it; keep keys in the environment', {
      option: 'baseUrl',
    });
  return url;
}

/** Whole addresses of the chat call are what people copy. */
const plain = (url: URL): string => {
  const path = url.pathname.replace(/\/+$/, '').replace(/\/chat\/completions$/, '');
  return `${url.origin}${path}${url.search}`;
};
