import { join } from 'node:path';
import { writeFileAtomic, writeFolderAtomic } from '../../src/io/atomic.js';
import { makeFolder } from '../../src/io/files.js';

// Replaces a folder and a file by the next version again and again, until it is killed.
const [folder] = process.argv.slice(2) as [string];
for (let version = 1; ; version++) {
  const text = `${version} `.repeat(5000);
  await writeFolderAtomic(
    join(folder, 'folder'),
    async (into) => {
      await writeFileAtomic(join(into, 'a'), text);
      await makeFolder(join(into, 'deep'));
      await writeFileAtomic(join(into, 'deep', 'b'), text);
    },
    { replace: true },
  );
  await writeFileAtomic(join(folder, 'file'), text);
  if (version === 1) process.stdout.write('going\n');
}
