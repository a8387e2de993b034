import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, statSync } from 'node:fs';
import { link, mkdir, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { create, Parser, type ReadEntry } from 'tar';
import * as z from 'zod';
import { dataError, PhasetuneError } from '../../core/errors.js';
import { createAtomicFile } from '../../io/atomic.js';
import { fileError } from '../../io/files.js';
import { formatBytes } from '../../telemetry/format.js';
import type { ProgressBar } from '../../telemetry/progress.js';
import { roomProblem } from './detect.js';
import { failure } from './download.js';
import { TENSORFLOW_VERSION } from './home.js';
import { compilerOf, cudaRelease, type NativeRuntime, runtimeFiles } from './runtime.js';
import { type WorkspaceOptions, withWorkspace } from './workspace.js';

/** The archive's first entry. */
const MANIFEST = 'phasetune-setup.json';

/** Deflate's effort: a higher one takes three times as long for 2 % less. */
const LEVEL = 4;
/** Share of the files' size that an archive takes at most, measured on both variants and rounded up. */
const SHARE = 0.7;

const inside = z.string().refine((name) => !name.split('/').some((part) => ['', '.', '..'].includes(part)));

const manifestSchema = z.object({
  format: z.literal(1),
  tensorflow: z.string(),
  variant: z.enum(['cpu', 'cuda']),
  /** Release of CUDA, for cards. */
  cuda: z.string().optional(),
  /** Name of the folder of what was compiled. */
  built: z.string(),
  /** What compiled it. */
  compiler: z.string(),
  files: z.record(
    inside,
    z.object({ bytes: z.int().nonnegative(), sha256: z.string().length(64), executable: z.boolean() }),
  ),
});

/** What an archive of a set-up holds; its files are relative to the runtime's folder. */
export type SetUpManifest = z.infer<typeof manifestSchema>;

type Watch = Pick<WorkspaceOptions, 'progress' | 'signal'>;

/**
 * Writes a set-up as one archive, a tar file packed by gzip, which {@link unpackSetUp} installs
 * elsewhere; gives its size in bytes. Its first entry lists every file with its SHA-256. Throws
 * `backend` where there is too little room.
 */
export async function packSetUp(runtime: NativeRuntime, out: string, options: WorkspaceOptions): Promise<number> {
  const { paths, variant } = runtime;
  const names = runtimeFiles(paths);
  const total = names.reduce((sum, name) => sum + statSync(join(paths.root, name)).size, 0);
  const room = await roomProblem(dirname(resolve(out)), total * SHARE);
  if (room) throw failure({ ...room, remedy: { advice: 'free some space, or write to a larger disk' } });
  return withWorkspace(options, async (folder) => {
    const files: SetUpManifest['files'] = {};
    const checking = meter('reading the set-up', total, options.progress);
    for (const name of names) {
      const path = join(paths.root, name);
      const { size, mode } = statSync(path);
      const hash = createHash('sha256');
      await pipeline(createReadStream(path), checking.pass(), hash, signalOf(options));
      files[name] = { bytes: size, sha256: hash.digest('hex'), executable: (mode & 0o100) !== 0 };
      await mkdir(dirname(join(folder, name)), { recursive: true });
      await link(path, join(folder, name));
    }
    checking.finish();
    const cuda = cudaRelease(paths);
    const manifest: SetUpManifest = {
      ...{ format: 1, tensorflow: TENSORFLOW_VERSION, variant, ...(cuda && { cuda }) },
      ...{ built: basename(paths.built), compiler: compilerOf(paths), files },
    };
    await writeFile(join(folder, MANIFEST), JSON.stringify(manifest));
    return writeArchive(folder, [MANIFEST, ...names], total, out, options);
  });
}

async function writeArchive(folder: string, names: string[], total: number, out: string, watch: Watch) {
  const packing = meter(`packing ${basename(out)}`, total, watch.progress);
  const file = await createAtomicFile(out);
  let written = 0;
  try {
    await pipeline(
      Readable.from(create({ cwd: folder, portable: true, noDirRecurse: true }, names)),
      packing.pass(),
      createGzip({ level: LEVEL }),
      async (packed: AsyncIterable<Buffer>) => {
        for await (const chunk of packed) {
          await file.write(chunk);
          written += chunk.length;
        }
      },
      signalOf(watch),
    );
    await file.commit();
    return written;
  } finally {
    packing.finish();
    await file.abort();
  }
}

/** The list of what an archive holds. Throws (code `data`) for another file, and for a set-up of another version. */
export async function readSetUpManifest(file: string, signal?: AbortSignal): Promise<SetUpManifest> {
  let text = '';
  await eachEntry(file, { signal }, async (entry) => {
    if (entry.path !== MANIFEST) throw damaged(file, 'it does not begin with a list of what it holds');
    for await (const chunk of entry) text += chunk.toString('utf8');
    return false;
  });
  const manifest = manifestSchema.safeParse(parsed(text));
  if (!manifest.success) throw damaged(file, 'its list of what it holds is not one of this version');
  if (manifest.data.tensorflow !== TENSORFLOW_VERSION)
    throw dataError(
      `${file}: expected a set-up of TensorFlow ${TENSORFLOW_VERSION}, got ${manifest.data.tensorflow}: write it again with this version of phasetune`,
      { file },
    );
  return manifest.data;
}

/** Unpacks an archive into a folder. Throws (code `data`) unless it holds what its list says, byte for byte. */
export async function unpackSetUp(file: string, manifest: SetUpManifest, root: string, watch: Watch): Promise<void> {
  const left = new Set(Object.keys(manifest.files));
  await eachEntry(file, watch, async (entry) => {
    if (entry.path === MANIFEST) {
      entry.resume();
      return true;
    }
    const expected = manifest.files[entry.path];
    if (!expected || entry.type !== 'File' || !left.delete(entry.path))
      throw damaged(file, `it holds ${entry.path}, which is not in its list`);
    const path = join(root, entry.path);
    await mkdir(dirname(path), { recursive: true });
    const hash = createHash('sha256');
    const check = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        hash.update(chunk);
        done(null, chunk);
      },
    });
    const output = createWriteStream(path, { mode: expected.executable ? 0o755 : 0o644 });
    await pipeline(Readable.from(entry), check, output, signalOf(watch));
    if (hash.digest('hex') !== expected.sha256) throw damaged(file, `${entry.path} has a wrong checksum`);
    return true;
  });
  if (left.size > 0) throw damaged(file, `${left.size} of its files are missing, ${[...left][0]} among them`);
}

/** Reads an archive's entries one after the other, until `take` gives false. */
async function eachEntry(file: string, watch: Watch, take: (entry: ReadEntry) => Promise<boolean>): Promise<void> {
  const bytes = await stat(file).catch((cause: unknown) => Promise.reject(fileError('read', file, cause)));
  const reading = meter(`reading ${basename(file)}`, bytes.size, watch.progress);
  const input = createReadStream(file, { highWaterMark: 1 << 20, ...signalOf(watch) });
  const parser = new Parser({ strict: true });
  let last = Promise.resolve(true);
  try {
    await new Promise<void>((done, fail) => {
      parser.on('entry', (entry: ReadEntry) => {
        // The parser continues with the next entry while this one's last bytes are still being written.
        last = last.then((more) => more && take(entry));
        last.then((more) => more || done(), fail);
      });
      parser.on('end', () => last.then(() => done(), fail)).on('error', fail);
      input.on('error', fail);
      input.pipe(reading.pass()).pipe(parser as unknown as NodeJS.WritableStream);
    });
  } catch (error) {
    const { name, code, syscall } = error as NodeJS.ErrnoException;
    if (error instanceof PhasetuneError || name === 'AbortError' || (syscall && code)) throw error;
    throw damaged(file, (error as Error).message, error);
  } finally {
    input.destroy();
    reading.finish();
  }
}

/** Counts what flows past into a progress bar. */
function meter(label: string, total: number, progress: Watch['progress']) {
  let bar: ProgressBar | undefined;
  let done = 0;
  return {
    pass: () =>
      new Transform({
        transform(chunk: Buffer, _encoding, next) {
          bar ??= progress?.({ label, total, unit: formatBytes });
          done += chunk.length;
          bar?.update(Math.min(done, total));
          next(null, chunk);
        },
      }),
    finish: () => bar?.finish(),
  };
}

const signalOf = ({ signal }: Watch) => (signal ? { signal } : {});

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const damaged = (file: string, why: string, cause?: unknown) =>
  dataError(
    `${file}: expected a whole set-up as \`pack\` writes it, but ${why}: copy it again, or write it again`,
    { file },
    cause,
  );
