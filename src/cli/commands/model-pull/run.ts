import { pullModel } from '../../../model/pull.js';
import { formatBytes } from '../../../telemetry/format.js';
import type { Run } from '../../command.js';
import { hubToken } from '../../secrets.js';
import type { command } from './options.js';

/** See {@link command}. */
export const run: Run<typeof command> = async (
  { name, out = `models/${name.split('/').at(-1)}`, ...options },
  { print, logger, progress, signal },
) => {
  const endpoint = options.endpoint ?? (process.env.HF_ENDPOINT || undefined);
  const token = await hubToken(process.env);
  const result = await pullModel(name, out, { ...options, endpoint, token, logger, progress, signal });
  print(
    result.fetched
      ? `${result.files.length} files (${formatBytes(result.bytes)}) in ${out}`
      : `${out} holds this model already: ${result.files.length} files (${formatBytes(result.bytes)}), hashes checked`,
  );
  return { name, out, ...result };
};
