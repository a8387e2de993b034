import { mkdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type FolderLock, lockFolder } from '../../src/io/lock.js';

// A process that takes and frees locks as its standard input says, and answers each line with one.
let lock: FolderLock | undefined;

const commands: Record<string, (folder: string, rounds: string) => Promise<string>> = {
  async take(folder) {
    lock = await lockFolder(folder, 'phasetune train');
    return lock.takenOver ? `took over from ${lock.takenOver.pid}` : 'took';
  },
  async free() {
    await lock?.release();
    return 'freed';
  },
  check: () => lock!.check().then(() => 'ours'),
  /** Takes and frees it again and again; another that is inside at the same time is told. */
  async contend(folder, rounds) {
    let won = 0;
    for (let i = 0; i < Number(rounds); i++) {
      const held = await lockFolder(folder).catch(() => undefined);
      if (!held) continue;
      won++;
      await mkdir(join(folder, 'inside'));
      await rmdir(join(folder, 'inside'));
      await held.release();
    }
    return `won ${won}`;
  },
};

for await (const line of createInterface(process.stdin)) {
  const [command, folder = '', more = ''] = line.split(' ');
  const answer = await commands[command!]!(folder, more).catch((error: Error) => `error: ${error.message}`);
  process.stdout.write(`${answer}\n`);
}
