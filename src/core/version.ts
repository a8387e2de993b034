import { createRequire } from 'node:module';

/** The version in package.json, which lies two folders up from the sources as from the build. */
export const version = (): string =>
  (createRequire(import.meta.url)('../../package.json') as { version: string }).version;
