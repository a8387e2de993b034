import { tryParseJson } from '../../core/json-text.js';
/** One complaint of a server that checks requests field by field (FastAPI). */
export interface FieldIssue {
  /** The field's place, with points: `body.messages.1.content`. */
  readonly at: string;
  /** The check's name: `string_too_long`, `extra_forbidden`, ... */
  readonly type?: string;
}

/**
 * What a program can use of an error's body. Only `message` is prose: it may quote the row, and
 * nothing is read from it.
 */
export interface ErrorBody {
  /** The innermost cause, in the server's words. */
  readonly message: string;
  /** The code as a word, of the innermost part that has one: `context_length_exceeded`. */
  readonly code?: string;
  /** The type as a word: `invalid_request_error`. */
  readonly type?: string;
  /** The field of the request that is refused. */
  readonly param?: string;
  /** The status of HTTP that the body names, which may come with a status of success. */
  readonly status?: number;
  /**
   * All words that stand for a kind of error (codes, types, statuses and reasons of gRPC), the
   * innermost first, in lower case.
   */
  readonly names: readonly string[];
  readonly issues: readonly FieldIssue[];
  /** The `details` of gRPC: RetryInfo, QuotaFailure, ErrorInfo, BadRequest. */
  readonly details: readonly JsonObject[];
  /** Headers of the server that a gateway is in front of, names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** Fields beside the message, of all parts, the innermost first: `estimated_time`, `retry_after`, `n_ctx`. */
  readonly fields: JsonObject;
  /** Set where a gateway refused what was asked, not who asked. */
  readonly moderated: boolean;
  readonly html: boolean;
}

/** An object of JSON. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Parts inside parts that are looked at, at most. */
const DEEPEST = 8;

/**
 * The error that a body holds, in the forms of OpenAI (`error`), Cerebras (all at the top), FastAPI
 * (`detail`), Gemini (a list, `details` of gRPC), Azure (`innererror`), OpenRouter (the cause as
 * text in `metadata.raw`), and plain text or HTML.
 */
export function errorIn(body: string): ErrorBody {
  const html = /^\s*</.test(body);
  const parts = partsOf(jsonIn(body), DEEPEST);
  const details = parts.flatMap(({ details }) => objectsIn(details));
  const [code] = wordsOf(parts, ['code']);
  const [type] = wordsOf(parts, ['type', 'error_type']);
  const param = paramOf(parts, details);
  const status = parts.toReversed().map(statusOf).find(Boolean);
  return {
    message: parts.map(messageOf).find(Boolean) ?? (html ? `an HTML page${titleOf(body)}` : body),
    ...(code && { code }),
    ...(type && { type }),
    ...(param && { param }),
    ...(status && { status }),
    names: [
      ...wordsOf(parts, ['code', 'type', 'error_type', 'status', 'error_code', 'limit_source']),
      ...wordsOf(details, ['reason']),
    ].map((word) => word.toLowerCase()),
    issues: parts.flatMap(issuesOf),
    details,
    headers: headersOf(parts),
    fields: Object.assign({}, ...parts.toReversed()) as JsonObject,
    moderated: parts.some(({ metadata }) => objectIn(metadata)?.reasons !== undefined),
    html,
  };
}

/** A value of JSON; undefined for what is none. A mark of the byte order in front is skipped. */
export const jsonIn = (text: string): unknown => tryParseJson(text.replace(/^\uFEFF/, ''));

const objectIn = (value: unknown): JsonObject | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined;

const objectsIn = (value: unknown): JsonObject[] =>
  (Array.isArray(value) ? value : []).map(objectIn).filter((one) => one !== undefined);

/** An error and the errors that it was made of, the innermost first. */
function partsOf(value: unknown, deep: number): JsonObject[] {
  const part = objectIn(Array.isArray(value) ? value[0] : value);
  if (!part || deep === 0) return [];
  const { error, errors, innererror, inner_error, detail, message, metadata, raw } = part;
  const cause = typeof raw === 'string' ? (jsonIn(raw) ?? { message: raw }) : raw;
  const inner = [cause, metadata, innererror, inner_error, detail, wrappedIn(part) ?? message, errors, error];
  return [...inner.flatMap((one) => partsOf(isIssues(one) ? undefined : one, deep - 1)), part];
}

/**
 * An error as JSON in the message of another (Gemini), where both name the same status: a message
 * may quote a row, which may be JSON.
 */
function wrappedIn({ message, code }: JsonObject): unknown {
  if (typeof message !== 'string' || typeof code !== 'number' || !message.startsWith('{')) return undefined;
  const wrapped = objectIn(objectIn(jsonIn(message))?.error);
  return wrapped?.code === code ? wrapped : undefined;
}

/** The words under these names; prose is none. */
const wordsOf = (parts: readonly JsonObject[], names: readonly string[]): string[] =>
  parts.flatMap((part) =>
    names.flatMap((name) => {
      const word = part[name];
      return typeof word === 'string' && /^(?=.*[a-z])[\w.:-]{1,80}$/i.test(word) ? [word] : [];
    }),
  );

function statusOf(part: JsonObject): number | undefined {
  const given = [part.code, part.status, part.status_code, part.statusCode, part.http_status];
  return given.map((value) => (/^[3-5]\d\d$/.test(String(value)) ? Number(value) : undefined)).find(Boolean);
}

function messageOf(part: JsonObject): string | undefined {
  const { message, detail, error, msg, error_description: description } = part;
  const issues = [message, detail].find(isIssues);
  if (issues)
    return objectsIn(issues)
      .map(({ loc, msg }) => `${placeOf(loc)}: ${String(msg)}`)
      .join('; ');
  return [message, detail, error, msg, description].find(
    (text): text is string => typeof text === 'string' && text.trim() !== '',
  );
}

/** A list of complaints, as FastAPI makes it. */
const isIssues = (value: unknown): boolean => objectsIn(value).some((one) => 'loc' in one);

const placeOf = (loc: unknown): string => (Array.isArray(loc) ? loc.join('.') : String(loc));

const issuesOf = ({ detail, message, errors }: JsonObject): FieldIssue[] =>
  [detail, message, errors]
    .filter(isIssues)
    .flatMap(objectsIn)
    .map(({ loc, type }) => ({ at: placeOf(loc), ...(typeof type === 'string' && { type }) }));

function paramOf(parts: readonly JsonObject[], details: readonly JsonObject[]): string | undefined {
  const named = parts.map(({ param }) => param);
  const violated = details.flatMap(({ fieldViolations }) => objectsIn(fieldViolations)).map(({ field }) => field);
  return [...named, ...violated].find((name): name is string => typeof name === 'string' && name !== '');
}

function headersOf(parts: readonly JsonObject[]): Record<string, string> {
  const all = parts.flatMap(({ metadata }) => Object.entries(objectIn(objectIn(metadata)?.headers) ?? {}));
  return Object.fromEntries(all.map(([name, value]) => [name.toLowerCase(), String(value)]));
}

function titleOf(html: string): string {
  const [, title] = /<title>([^<]*)<\/title>/i.exec(html) ?? [];
  return title?.trim() ? ` ("${title.trim()}")` : '';
}
