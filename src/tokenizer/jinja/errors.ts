/** A template that is wrong, or that refuses the conversation: where Jinja2 gives an error too. */
export class TemplateError extends Error {
  override readonly name: string = 'TemplateError';
}

/** What Jinja2 may accept and this engine does not: never rendered to another text, always refused by name. */
class UnsupportedTemplate extends TemplateError {
  override readonly name = 'UnsupportedTemplate';
}

/** Throws an error of the template: what Jinja2 calls TypeError, UndefinedError and the like. */
export function fail(message: string): never {
  throw new TemplateError(message);
}

/** Throws a refusal that names the construct. */
export function refuse(construct: string): never {
  throw new UnsupportedTemplate(`${construct} is not supported here`);
}

/** The error with the line where it was found, which the innermost knows best. */
export function withLine(error: unknown, line: number): unknown {
  if (error instanceof TemplateError && !/^line \d+: /.test(error.message))
    error.message = `line ${line}: ${error.message}`;
  return error;
}
