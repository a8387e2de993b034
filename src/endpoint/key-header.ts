import type { EndpointAddress } from './options.js';

/** How a key is sent: OpenAI's way, or Azure's. */
export type KeyHeader = 'bearer' | 'api-key';

const AZURE = /\.(openai\.azure\.com|cognitiveservices\.azure\.com|services\.ai\.azure\.com|azure-api\.net)$/i;

/**
 * How the key is sent at first. Azure takes its own keys as `api-key`; as a bearer it takes tokens of Entra, which are JSON Web Tokens, and
 * only at its newer addresses keys, too.
 */
export function firstKeyHeader({ baseUrl, apiKey }: Pick<EndpointAddress, 'baseUrl' | 'apiKey'>): KeyHeader {
  const { hostname, searchParams } = new URL(baseUrl);
  const azure = AZURE.test(hostname) || searchParams.has('api-version');
  return azure && !apiKey?.startsWith('eyJ') ? 'api-key' : 'bearer';
}

/** The headers of a request that carry the key, or carry none; null takes away what the openai package puts there. */
const keyHeaders = (header: KeyHeader, apiKey: string | undefined): Record<string, string | null> =>
  apiKey === undefined
    ? { authorization: null }
    : header === 'bearer'
      ? { authorization: `Bearer ${apiKey}` }
      : { authorization: null, 'api-key': apiKey };

/** Sends with a header that the server takes. */
export interface KeyBearer {
  /** `post` sends once, `refused` says whether the key was refused. */
  send<T>(post: (headers: Record<string, string | null>) => Promise<T>, refused: (outcome: T) => boolean): Promise<T>;
}

/** Where the key is refused before anything was answered, the other header is tried, once; `told` is called when that helped. */
export function createKeyBearer(address: EndpointAddress, told: (header: KeyHeader) => void): KeyBearer {
  const first = firstKeyHeader(address);
  const other = first === 'bearer' ? 'api-key' : 'bearer';
  let header = first;
  let answered = address.apiKey === undefined;
  let trial: Promise<void> | undefined;
  return {
    async send(post, refused) {
      const used = header;
      const outcome = await post(keyHeaders(used, address.apiKey));
      if (!refused(outcome)) answered = true;
      if (answered && header === used) return outcome;
      let found: { outcome: typeof outcome } | undefined;
      trial ??= (async () => {
        const tried = await post(keyHeaders(other, address.apiKey));
        if (refused(tried)) return;
        found = { outcome: tried };
        answered = true;
        header = other;
        told(other);
      })();
      await trial;
      if (found) return found.outcome;
      return header === used ? outcome : post(keyHeaders(header, address.apiKey));
    },
  };
}
