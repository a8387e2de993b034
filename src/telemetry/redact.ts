const SECRET_NAME = /(?:^|_)(?:TOKEN|KEY|SECRET|PASSWORD)$/i;

/** Values of environment variables whose names say that they are secret (`*_TOKEN`, `*_KEY`, …); very short ones are no secrets. */
export const secretsIn = (environment: Readonly<Record<string, string | undefined>>): string[] =>
  Object.entries(environment)
    .filter(([name, value]) => SECRET_NAME.test(name) && value !== undefined && value.length >= 6)
    .map(([, value]) => value!)
    .sort((a, b) => b.length - a.length);

/** The text with every secret replaced by `[hidden]`. */
export const redact = (text: string, secrets: readonly string[]): string =>
  secrets.reduce((hidden, secret) => hidden.replaceAll(secret, '[hidden]'), text);
