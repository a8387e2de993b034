import { formatBytes } from '../../../telemetry/format.js';
import { pullModel } from '../../../workflow/model-files.js';
import { showBars } from '../../bars.js';
import type { Run } from '../../command.js';
import { hubToken } from '../../secrets.js';
import type { command } from './options.js';

/** See {@link command}. */
export const run: Run<typeof command> = async ({ name, ...options }, { print, logger, progress, signal }) => {
  const endpoint = options.endpoint ?? (process.env.HF_ENDPOINT || undefined);
  const token = await hubToken(process.env);
  const hooks = { logger, signal, onProgress: showBars(progress) };
  const result = await pullModel(name, { ...options, endpoint, token }, hooks);
  const files = `${result.files.length} files (${formatBytes(result.bytes)})`;
  print(
    result.fetched ? `${files} in ${result.out}` : `${result.out} holds this model already: ${files}, hashes checked`,
  );
  return { name, ...result };
};
