import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a test makes of a request instead of the ordinary answer; `true` when it has dealt with it. */
export type Fault = (
  request: IncomingMessage,
  response: ServerResponse,
  content: Buffer | undefined,
) => boolean | undefined;

/** A server with the paths of the Hugging Face hub, over files in memory. */
export interface Hub {
  readonly endpoint: string;
  readonly requests: { path: string; range: string | undefined; token: string | undefined }[];
  /** Bytes of file content sent. */
  sent: number;
  fault: Fault | undefined;
  close(): Promise<void>;
}

export const COMMIT = 'c0ffee'.padEnd(40, '0');

/**
 * Starts one with a model `org/name`. Files over 200 bytes are listed as large ones (with SHA-256),
 * the others as git blobs.
 */
export async function startHub(files: Readonly<Record<string, Buffer>>): Promise<Hub> {
  const hub = { requests: [] as Hub['requests'], sent: 0, fault: undefined as Fault | undefined };
  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url!);
    hub.requests.push({ path, range: request.headers.range, token: request.headers.authorization });
    const content = /^\/(?:mirrored\/)?org\/name\/resolve\/([^/]+)\/(.*)$/.exec(path);
    const body = content ? files[content[2]!] : undefined;
    if (hub.fault?.(request, response, body)) return;
    if (path.startsWith('/api/models/org/name/revision/')) {
      response
        .setHeader('content-type', 'application/json')
        .end(JSON.stringify({ id: 'org/name', sha: COMMIT, siblings: listing(files) }));
    } else if (body && content?.[1] === COMMIT) {
      const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
      if (from > 0)
        response.setHeader('content-range', `bytes ${from}-${body.length - 1}/${body.length}`).writeHead(206);
      hub.sent += body.length - from;
      response.end(body.subarray(from));
    } else response.writeHead(404).end('{"error": "not found"}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return Object.assign(hub, { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close });
}

function listing(files: Readonly<Record<string, Buffer>>) {
  return Object.entries(files).map(([rfilename, body]) => {
    const blobId = createHash('sha1').update(`blob ${body.length}\0`).update(body).digest('hex');
    const sha256 = createHash('sha256').update(body).digest('hex');
    return {
      rfilename,
      size: body.length,
      blobId,
      ...(body.length > 200 && { lfs: { sha256, size: body.length, pointerSize: 130 } }),
    };
  });
}
