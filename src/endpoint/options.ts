import * as z from 'zod';
import { usageError } from '../core/errors.js';
import { isLocalHost } from '../io/http/local-host.js';

/** Which endpoint is asked, and with what manners. */
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
  concurrency: z.number().int().min(1).max(1000).default(8).describe('requests that are open at the same time'),
  requestsPerMinute: z.number().positive().optional().describe('most requests begun in a minute [no limit]'),
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
      'longest wait for a whole reply; one that takes ten times as long as the slowest before is asked for again beside it',
    ),
  tries: z.number().int().min(1).max(100).default(6).describe('times that a question is asked before it is left out'),
  retryWait: z
    .number()
    .min(0)
    .max(600)
    .default(1)
    .describe(
      'longest wait before the first retry, in seconds, where the endpoint names none; doubles with each, up to 60',
    ),
  retryBudget: z
    .number()
    .min(0)
    .optional()
    .describe(
      'retries in all: a share of the questions when below 1, else a number [one a question, at least 100]; waits for a rate limit do not count',
    ),
  maxCost: z
    .number()
    .min(0)
    .optional()
    .describe(
      'most US dollars to spend on this output, over all runs of its ledger; stops before it is exceeded; needs a known price',
    ),
  prices: z.string().min(1).optional().describe('file of prices to look in first, laid out as docs/prices.json'),
});

/** See {@link endpointOptionsSchema}. */
export type EndpointOptions = z.infer<typeof endpointOptionsSchema>;

/** An endpoint's address, model and key, with nothing left open. */
export interface EndpointAddress {
  /** Without a slash at its end. */
  readonly baseUrl: string;
  readonly model: string;
  /** Secret. Absent where none is needed. */
  readonly apiKey?: string;
  /** On this machine or its network: most such servers charge nothing, but a gateway to others may. */
  readonly local: boolean;
  /** Headers that go with every request. */
  readonly headers?: Readonly<Record<string, string>>;
}

const OPENAI = 'https://api.openai.com/v1';

/**
 * Fills in what was left open from the environment. Throws a usage error for an address that is none or has credentials in it, a
 * missing model, and a missing or unusable key.
 */
export function resolveEndpoint(
  { baseUrl, model, apiKeyEnv }: Pick<EndpointOptions, 'baseUrl' | 'model' | 'apiKeyEnv'>,
  environment: Readonly<Record<string, string | undefined>>,
): EndpointAddress {
  const url = checkedUrl(baseUrl ?? (environment.OPENAI_BASE_URL?.trim() || OPENAI));
  if (model === undefined)
    throw usageError(`no model is named; give --model with the name that ${url.host} knows it by`, { option: 'model' });
  const local = isLocalHost(url.hostname);
  const apiKey = environment[apiKeyEnv]?.trim();
  if (!apiKey && !local)
    throw usageError(
      `no key for ${url.host}: set the environment variable ${apiKeyEnv}, or name another one with --api-key-env`,
      { option: 'apiKeyEnv' },
    );
  if (apiKey && !/^[\x21-\x7e]+$/.test(apiKey))
    throw usageError(
      `the key in ${apiKeyEnv} has spaces, line breaks or other characters that no key has; set it again`,
      {
        option: 'apiKeyEnv',
      },
    );
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
    throw usageError(`"${text}" is no address; expected one such as http://localhost:8000/v1`, { option: 'baseUrl' });
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
