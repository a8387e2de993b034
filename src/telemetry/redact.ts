const SECRET_NAME = /(?:^|_)(?:TOKEN|KEY|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?|AUTH)$/i;

/** Longest text that is hidden only where it is a name's value: shorter ones would be found in innocent words. */
const SHORTEST = 6;

/** False for a text so short that it is in other words: a local server is often given `x` for a key. */
export const isSecret = (text: string): boolean => text.length >= SHORTEST;

/**
 * Values of environment variables whose names say that they are secret (`*_TOKEN`, `*_KEY`, …), and
 * passwords in addresses; very short ones are no secrets.
 */
export const secretsIn = (environment: Readonly<Record<string, string | undefined>>): string[] =>
  Object.entries(environment).flatMap(([name, value = '']) =>
    [SECRET_NAME.test(name) ? value.trim() : '', passwordIn(value), inProxy(name, value)].filter(isSecret),
  );

/** The address of a proxy may do without the scheme. */
const inProxy = (name: string, value: string): string =>
  /_proxy$/i.test(name) ? passwordIn(`http://${value.trim()}`) : '';

function passwordIn(text: string): string {
  const [, password = ''] = /^[a-z][a-z0-9+.-]*:\/\/[^\s/:@]*:([^\s/@]+)@/i.exec(text) ?? [];
  return password;
}

/** Keys of options and flags whose value is a secret, such as `apiKey`, `hub-token` or `authorization`. */
const SECRET_KEY =
  /^(?:token|authorization|credentials?|.*(?:password|passphrase|secret)|.*(?:api|access|auth|hub|hf|bearer|private|secret)[._-]?(?:key|token))$/i;

/** Values of flags with a secret's name: `--token VALUE`, `--api-key=VALUE`, `--set judge.apiKey=VALUE`. */
export function secretsInArguments(args: readonly string[]): string[] {
  return args.flatMap((arg, i) => {
    const [, flag, assigned] = /^(?:--)?([\w.-]+)(?:=([\s\S]*))?$/.exec(arg) ?? [];
    if (flag === undefined || !SECRET_KEY.test(flag.split('.').at(-1)!)) return [];
    const value = assigned ?? (arg.startsWith('--') ? args[i + 1] : undefined);
    return value !== undefined && isSecret(value) ? [value] : [];
  });
}

/** What is shown for a secret. */
export const HIDDEN = '[hidden]';

/** Secrets that are recognised anywhere: credentials in an address, headers, and keys by how they begin. */
const PATTERNS: readonly [RegExp, string][] = [
  [/\b([a-z][a-z0-9+.-]*:\/\/)[^\s/?#@"'<>]+@/gi, `$1${HIDDEN}@`],
  [/([?&;][\w.-]*(?:token|key|secret|password|signature|sig|credential)=)[^\s&;#"'<>]+/gi, `$1${HIDDEN}`],
  [/\b(Bearer|Basic) +[\w.~+/=-]{16,}/gi, `$1 ${HIDDEN}`],
  [/\b(?:hf_[A-Za-z0-9]{16,}|sk-[\w-]{16,}|gh[pousr]_[A-Za-z0-9]{16,})/g, HIDDEN],
];

/** In every way that they may be written, the longer of two that begin alike first. */
let kept: readonly string[] = [];

/**
 * Says which texts {@link hide} hides from now on in this process, instead of those said before;
 * very short ones are no secrets.
 */
export function keepSecret(secrets: readonly string[]): void {
  const forms = secrets
    .filter(isSecret)
    .flatMap((secret) => [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)]);
  kept = [...new Set(forms)].sort((a, b) => b.length - a.length);
}

function redact(text: string): string {
  const hidden = kept.reduce((rest, secret) => rest.replaceAll(secret, HIDDEN), text);
  return PATTERNS.reduce((rest, [pattern, by]) => rest.replace(pattern, by), hidden);
}

/**
 * Where {@link hide} would find secrets in a text, first to last; those that touch are one. For a text that is shown in
 * pieces, of which none is a secret alone.
 */
export function secretPlaces(text: string): { readonly from: number; readonly to: number }[] {
  const found: { from: number; to: number }[] = [];
  // What was found is no part of what is looked for next, and no word beside it.
  const take = (rest: string, pattern: string | RegExp) =>
    rest.replaceAll(pattern, (match: string, ...more: unknown[]) => {
      const from = more.find((each) => typeof each === 'number') as number;
      found.push({ from, to: from + match.length });
      return '\0'.repeat(match.length);
    });
  const hidden = kept.reduce(take, text);
  PATTERNS.reduce((rest, [pattern]) => take(rest, pattern), hidden);
  const places: { from: number; to: number }[] = [];
  for (const { from, to } of found.sort((x, y) => x.from - y.from)) {
    const last = places.at(-1);
    if (last && from <= last.to) last.to = Math.max(last.to, to);
    else places.push({ from, to });
  }
  return places;
}

/**
 * What may leave the process, to a stream or a file: in every text of the value, at any depth,
 * secrets are replaced by `[hidden]`, those that are kept and what is one by its looks; texts under
 * keys with a secret's name are hidden whole. Every edge passes what it writes through this.
 */
export function hide<T>(value: T): T {
  if (typeof value === 'string') return redact(value) as T;
  if (Array.isArray(value)) return value.map(hide) as T;
  if (typeof value !== 'object' || value === null) return value;
  if (![Object.prototype, null].includes(Object.getPrototypeOf(value))) return value;
  const entries = Object.entries(value).map(([key, inner]) => [
    hide(key),
    typeof inner === 'string' && inner !== '' && SECRET_KEY.test(key) ? HIDDEN : hide(inner),
  ]);
  return Object.fromEntries(entries) as T;
}
