import { FILTERED, LIMITED, type Meaning, NO_KEY, NOT_THERE, TOO_LONG, USED_UP } from './codes.js';

/** The limit of tokens is too small for such a row, every time. */
const LIMIT_REACHED: Meaning = { kind: 'no-reply', next: 'skip' };

/** A sentence that a server is known to write where no field of its answer gives the reason. */
interface Template {
  readonly server: string;
  /** The statuses that it comes under; 200 for an error in place of a reply. */
  readonly under: readonly number[];
  /** Matches from the beginning of the message. Numbers are groups. */
  readonly says: RegExp;
  /** A further condition on its numbers. */
  readonly when?: (numbers: readonly number[]) => boolean;
  readonly means: Meaning;
  /** What people can do, where the server's words leave that open. */
  readonly hint?: string;
  /** Its groups are a date and a time of day in UTC, when there will be answers again. */
  readonly dated?: true;
}

const N = '([\\d,]{1,15})';
const REFUSED = [200, 400, 422];
const form = (text: string) => new RegExp(`^${text.replaceAll('#', N)}`);
const tooLong = (server: string, text: string, when?: Template['when'], under = REFUSED): Template => ({
  server,
  under,
  says: form(text),
  means: TOO_LONG,
  ...(when && { when }),
});

/**
 * All prose that is read. A template that leaves out a row may end within the message, since it is about that row whatever follows; one
 * that stops a run is the whole message, so that no row that is quoted can be taken for it.
 */
const TEMPLATES: readonly Template[] = [
  // A request that alone is more than a minute's limit. One that fits into the limit waits for the next minute.
  {
    server: 'OpenAI, Groq',
    under: [200, 429],
    says: form('(?:Request too large|Rate limit reached) for [^:\\n]{1,300}: Limit #, (?:Used #, )?Requested #'),
    when: ([limit = 0, , requested = 0]) => requested > limit,
    means: TOO_LONG,
  },
  {
    // A day is what it says for a request that alone is more than a deployment's minute; the account may be the cause, too.
    server: 'Azure',
    under: [429],
    says: /^Requests to the \S+ Operation under Azure OpenAI API version \S+ have exceeded token rate limit of your current [\w ]{1,60} pricing tier\. Please retry after 86400 seconds\./,
    means: { kind: 'too-long', next: 'refused' },
  },
  tooLong('vLLM', "'?max_tokens'? must be at least 1, got -\\d"),
  // A limit of tokens that is larger than the context is refused for every row.
  tooLong(
    'vLLM',
    "'?max_tokens'? or '?max_completion_tokens'? is too large: #\\. This model's maximum context length is # tokens and your request has # input tokens",
    ([limit = 0, context = 0]) => limit < context,
  ),
  tooLong('OpenAI, vLLM, DeepSeek', "This model's maximum context length is # tokens\\b"),
  tooLong('vLLM', "The prompt is # tokens, which exceeds the model's maximum context length of # tokens"),
  tooLong('OpenRouter', "This endpoint's maximum context length is # tokens\\b"),
  tooLong('vLLM', 'You passed # input (?:tokens|characters) and requested # output tokens\\.'),
  tooLong('vLLM', 'The (?:decoder )?prompt \\((?:total )?length #\\) is longer than the maximum model length of #'),
  tooLong('vLLM', "Input length \\(#\\) exceeds model's maximum context length \\(#\\)"),
  tooLong('SGLang', "The input \\(# tokens\\) is longer than the model's context length \\(# tokens\\)"),
  tooLong('SGLang', "Requested token count exceeds the model's maximum context length of # tokens"),
  tooLong('SGLang', 'Input length \\(# tokens\\) exceeds the maximum allowed length \\(# tokens\\)'),
  tooLong('llama.cpp', '(?:the )?request (?:\\(# tokens\\) )?exceeds the available context size', undefined, [
    ...REFUSED,
    500,
  ]),
  tooLong('llama.cpp', 'input(?: \\(# tokens\\))? is too large to process\\.', undefined, [...REFUSED, 500]),
  tooLong('Ollama', 'prompt too long; exceeded max context length', undefined, [...REFUSED, 500]),
  tooLong('Ollama', '(?:the )?input length exceeds (?:the|maximum) context length', undefined, [...REFUSED, 500]),
  tooLong('LM Studio', 'Trying to keep the first # tokens when context the overflows\\.', undefined, [...REFUSED, 500]),
  tooLong('LM Studio', 'The number of tokens to keep from the initial prompt is greater than the context length'),
  tooLong(
    'TGI, Together',
    'Input validation error: `inputs` tokens \\+ `max_new_tokens` must be <= #\\. Given: # `inputs`',
  ),
  tooLong('TGI, Together', 'Input validation error: `inputs` must have less than # tokens\\. Given: #'),
  tooLong('Anthropic', 'prompt is too long: # tokens > # maximum'),
  tooLong('Anthropic', 'input length and `max_tokens` exceed context limit: # \\+ # > #'),
  tooLong('Gemini', 'The input token count(?: \\(#\\))? exceeds the maximum number of tokens allowed'),
  tooLong('LiteLLM', 'litellm\\.ContextWindowExceededError:'),
  { server: 'LiteLLM', under: REFUSED, says: form('litellm\\.ContentPolicyViolationError:'), means: FILTERED },
  { server: 'OpenRouter', under: [200, 403], says: /^Request blocked: /, means: FILTERED },
  {
    server: 'Cloudflare',
    under: [...REFUSED, 403, 424],
    says: /^(?:Prompt|Response) blocked due to security configurations/,
    means: FILTERED,
  },
  {
    server: 'OpenAI',
    under: REFUSED,
    says: /^Could not finish the message because max_tokens or model output limit was reached\./,
    means: LIMIT_REACHED,
    hint: 'the thoughts took the whole limit; raise `maxTokens`',
  },
  {
    server: 'LM Studio',
    under: [200],
    says: /^Unexpected endpoint or method\. \([A-Z]+ [^\s()]{1,300}\)\.?(?: Returning 200 anyway)?$/,
    means: NOT_THERE,
  },
  { server: 'OpenRouter', under: [200, 400], says: /^[^\s"']{1,200} is not a valid model ID$/, means: NOT_THERE },
  { server: 'DeepSeek', under: [200, 400], says: /^Model Not Exist$/, means: NOT_THERE },
  { server: 'FastAPI', under: [200], says: /^Not authenticated$/, means: NO_KEY },
  { server: 'Gemini', under: [400], says: /^Missing or invalid Authorization header\.$/, means: NO_KEY },
  {
    server: 'Anthropic',
    under: [400],
    says: /^Your credit balance is too low to access the (?:Anthropic|Claude) API\. Please go to Plans & Billing to upgrade or purchase credits\.$/,
    means: USED_UP,
  },
  {
    server: 'Anthropic',
    under: [400],
    says: /^You have reached your specified (?:workspace )?API usage limits\. You will regain access on (\d{4}-\d\d-\d\d) at (\d\d:\d\d) UTC\.?$/,
    means: USED_UP,
    dated: true,
  },
  {
    server: 'Cerebras',
    under: [429],
    says: /^(?:Tokens|Requests) per day limit exceeded - too many \w+ processed\.$/,
    means: USED_UP,
  },
  {
    server: 'Ollama',
    under: [503],
    says: /^server busy, please try again\. {1,2}maximum pending requests exceeded$/,
    means: LIMITED,
  },
];

/** A known sentence that a message is, or begins with. */
export interface KnownSentence {
  readonly means: Meaning;
  readonly hint?: string;
  /** When there will be answers again, as RFC 3339 has it. */
  readonly until?: string;
}

/** What a known sentence of a server means; undefined for every other message, whatever it holds. */
export function sentenceIn(status: number, message: string): KnownSentence | undefined {
  for (const { under, says, when, means, hint, dated } of TEMPLATES) {
    const found = under.includes(status) ? says.exec(message) : null;
    if (!found) continue;
    const groups = found.slice(1);
    if (when && !when(groups.map((digits) => Number(digits?.replaceAll(',', '') ?? 0)))) continue;
    return { means, ...(hint && { hint }), ...(dated && { until: `${groups[0]}T${groups[1]}:00Z` }) };
  }
  return undefined;
}
