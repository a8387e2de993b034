import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { makeCertificate } from '../helpers/certificate.js';
import { startHub } from '../helpers/hub.js';
import { expectWhole, hub, isWeights, NEEDED, PARTLY, pull, reset } from '../helpers/pulling.js';

describe('packed content', () => {
  it('is unpacked, though it was asked not to be packed', async () => {
    hub.fault = (request, response, content) => {
      if (!content?.length) return false;
      expect(request.headers['accept-encoding']).toBe('identity');
      return isWeights(request.url)
        ? Boolean(response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(content)))
        : Boolean(response.writeHead(200, { 'content-encoding': 'br' }).end(brotliCompressSync(content)));
    };
    await pull();
    expectWhole();
  });

  it('that breaks off begins again at its beginning', async () => {
    let times = 0;
    hub.fault = (request, response, content) => {
      if (!isWeights(request.url)) return false;
      const packed = gzipSync(content!);
      response.writeHead(request.headers.range ? 206 : 200, {
        'content-encoding': 'gzip',
        'content-length': packed.length,
        ...(request.headers.range && { 'content-range': `bytes 0-${packed.length - 1}/${packed.length}` }),
      });
      if (++times > 1) return Boolean(response.end(packed));
      response.write(packed.subarray(0, packed.length - 10), () => setTimeout(() => response.destroy(), 20));
      return true;
    };
    await pull();
    expectWhole();
  });

  it('that never ends is not unpacked for ever', async () => {
    hub.fault = (request, response) =>
      isWeights(request.url) &&
      Boolean(response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(Buffer.alloc(50_000_000))));
    await expect(pull()).rejects.toThrow('model.safetensors: expected 300000 bytes from http://127.0.0.1');
  });

  it('in a way that is not known is an error at once', async () => {
    hub.fault = (request, response, content) =>
      isWeights(request.url) && Boolean(response.writeHead(200, { 'content-encoding': 'zstd' }).end(content));
    await expect(pull()).rejects.toThrow(
      'model.safetensors: a body compressed as "zstd"; expected gzip, deflate, br or none',
    );
    expect(hub.requests.filter((r) => isWeights(r.path))).toHaveLength(1);
  });
});

describe('redirects', () => {
  it('to another path are followed, with the token', async () => {
    hub.fault = (request, response) =>
      isWeights(request.url) &&
      !request.url!.startsWith('/mirrored') &&
      Boolean(response.writeHead(302, { location: `/mirrored${request.url}` }).end());
    await pull({ token: 'hf_secret' });
    expectWhole();
    expect(hub.requests.every((r) => r.token === 'Bearer hf_secret')).toBe(true);
  });

  it('without an end are given up', async () => {
    hub.fault = (request, response) =>
      isWeights(request.url) && Boolean(response.writeHead(307, { location: request.url! }).end());
    await expect(pull()).rejects.toThrow('model.safetensors: more than 20 redirects; check the address');
    expect(hub.requests.filter((r) => isWeights(r.path))).toHaveLength(21);
  });

  it.each(['file:///etc/passwd', 'gopher://x', 'http://', ''])(
    'to what is no address are refusals: %j',
    async (location) => {
      hub.fault = (request, response) => isWeights(request.url) && Boolean(response.writeHead(302, { location }).end());
      await expect(pull()).rejects.toThrow('model.safetensors: the hub answers 302');
    },
  );

  it('to another host are followed without the token, the range kept', async () => {
    const other = await startHub(NEEDED);
    const broken = reset(1);
    other.fault = broken;
    hub.fault = (request, response) =>
      isWeights(request.url) && Boolean(response.writeHead(302, { location: other.endpoint + request.url }).end());
    await pull({ token: 'hf_secret' });
    expectWhole();
    expect(other.requests.map((r) => [r.token, r.range])).toEqual([
      [undefined, undefined],
      [undefined, PARTLY],
    ]);
    await other.close();
  });
});

it('a hub whose certificate is not trusted ends it at once', async () => {
  let connections = 0;
  const server = createServer(makeCertificate({ hosts: ['localhost'] })).on('connection', () => connections++);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const endpoint = `https://localhost:${(server.address() as AddressInfo).port}`;
  await expect(pull({ endpoint })).rejects.toMatchObject({
    code: 'endpoint',
    message: expect.stringMatching(
      /^org\/name at revision main: the certificate of the server is self-signed.*NODE_EXTRA_CA_CERTS/,
    ),
  });
  expect(connections).toBe(1);
  await new Promise((resolve) => server.close(resolve));
});
