import type { EndpointAddress } from '../options.js';

/** How a key is sent: OpenAI's way, or Azure's. */
export type KeyHeader = 'bearer' | 'api-key';

const AZURE = /\.(openai\.azure\.com|cognitiveservices\.azure\.com|services\.ai\.azure\.com|azure-api\.net)$/i;

/**
 * How the key is sent at first. Azure takes its own keys as `api-key`; as a bearer it takes tokens
 * of Entra, which are JSON Web Tokens, and only at its newer addresses keys, too.
 */
export function firstKeyHeader({ baseUrl, apiKey }: Pick<EndpointAddress, 'baseUrl' | 'apiKey'>): KeyHeader {
  const { hostname, searchParams } = new URL(baseUrl);
  const azure = AZURE.test(hostname) || searchParams.has('api-version');
  return azure && !apiKey?.startsWith('eyJ') ? 'api-key' : 'bearer';
}

/** The headers of a request that carry the key; none without a key. */
function keyHeaders(header: KeyHeader, apiKey: string | undefined): Record<string, string> {
  if (apiKey === undefined) return {};
  return header === 'bearer' ? { authorization: `Bearer ${apiKey}` } : { 'api-key': apiKey };
}

/** What an outcome shows of the key's header: it was taken, the key was not found, or it was refused, or nothing. */
export type KeyVerdict = 'taken' | 'not-found' | 'refused' | 'open';

/** What a server's status says of the key; `names` are the words of its error. */
export function keyVerdict(status: number, names: readonly string[]): KeyVerdict {
  if (status !== 401) return status === 403 ? 'refused' : 'taken';
  // Who calls a key wrong has seen it.
  return names.some((name) => /^(invalid|incorrect|wrong)_api_key$/.test(name)) ? 'refused' : 'not-found';
}

/** Sends with a header that the server takes. */
export interface KeyBearer {
  /** `post` sends once, `verdict` says what came of it. */
  send<T>(post: (headers: Record<string, string>) => Promise<T>, verdict: (outcome: T) => KeyVerdict): Promise<T>;
}

/**
 * Where no key is found before anything was answered, the other header is tried, once; `onChange`
 * is called when that helped.
 */
export function createKeyBearer(address: EndpointAddress, onChange: (header: KeyHeader) => void): KeyBearer {
  const first = firstKeyHeader(address);
  const other = first === 'bearer' ? 'api-key' : 'bearer';
  let header = first;
  let settled = address.apiKey === undefined;
  let trial: Promise<unknown> | undefined;
  const tryOther: KeyBearer['send'] = async (post, verdict) => {
    const outcome = await post(keyHeaders(other, address.apiKey));
    const seen = verdict(outcome);
    // A broken connection shows nothing: the next one tries it.
    if (seen === 'open') return outcome;
    settled = true;
    if (seen === 'taken') {
      header = other;
      onChange(other);
    }
    return outcome;
  };
  const send: KeyBearer['send'] = async (post, verdict) => {
    const used = header;
    const outcome = await post(keyHeaders(used, address.apiKey));
    const seen = verdict(outcome);
    if (seen === 'taken') settled = true;
    if (seen !== 'not-found' || (settled && header === used)) return outcome;
    if (trial || settled) {
      await trial;
      return settled && header === used ? outcome : send(post, verdict);
    }
    const tried = tryOther(post, verdict);
    trial = tried.catch(() => {});
    const answer = await tried.finally(() => {
      trial = undefined;
    });
    return settled && header === used ? outcome : answer;
  };
  return { send };
}
