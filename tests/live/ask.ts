import { type ClientRequest, type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import type { LivePage } from '../../src/live/open.js';

/** An answer, read to its end. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Ask {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly agent?: import('node:http').Agent;
}

/** Sends a request for a path as it is written: nothing is resolved, as `fetch` would. */
export function ask(port: number, path: string, { method = 'GET', headers = {}, agent }: Ask = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path, method, headers, ...(agent && { agent }) }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text) => (body += text));
      response.on('end', () => resolve({ status: response.statusCode!, headers: response.headers, body }));
    });
    sent.on('error', reject).end();
  });
}

/** What `sections` says. */
interface SectionsData {
  readonly state: string;
  readonly title: string;
  readonly order: readonly string[];
  readonly top?: string;
  readonly sections: Readonly<Record<string, string>>;
}

/** What came over a stream of events. */
export interface Received {
  readonly event: string;
  readonly id: string | undefined;
  readonly data: SectionsData & { readonly reason?: string; readonly more?: boolean };
}

/** A stream of events as a program reads it. */
export interface OpenStream {
  readonly status: number;
  readonly events: Received[];
  /** Everything that was read. */
  text(): string;
  /** Resolves once what was read so far fulfils it. */
  until(fulfils: (events: readonly Received[], text: string) => boolean): Promise<void>;
  readonly ended: Promise<void>;
  /** Reads nothing more, and keeps the connection. */
  pause(): void;
  close(): void;
}

/** Opens a stream of events. */
export function openStream(port: number, path: string, headers: Record<string, string> = {}): Promise<OpenStream> {
  return new Promise((resolve, reject) => {
    let sent: ClientRequest;
    const opened = (response: IncomingMessage) => {
      const events: Received[] = [];
      const waiting = new Set<() => void>();
      let [text, rest] = ['', ''];
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part;
        const parts = (rest + part).split('\n\n');
        rest = parts.pop()!;
        for (const message of parts) if (message.startsWith('event:')) events.push(read(message));
        for (const check of waiting) check();
      });
      response.on('error', () => {});
      resolve({
        status: response.statusCode!,
        events,
        text: () => text,
        until: (fulfils) =>
          new Promise((done) => {
            const check = () => {
              if (!fulfils(events, text)) return;
              waiting.delete(check);
              done();
            };
            waiting.add(check);
            check();
          }),
        ended: new Promise((done) => response.on('close', () => done())),
        pause: () => void response.pause(),
        close: () => void sent.destroy(),
      });
    };
    sent = request({ host: '127.0.0.1', port, path, headers, agent: false }, opened);
    sent.on('error', reject).end();
  });
}

function read(message: string): Received {
  const fields = new Map(message.split('\n').map((line) => line.split(/: (.*)/s, 2) as [string, string]));
  return { event: fields.get('event')!, id: fields.get('id'), data: JSON.parse(fields.get('data')!) };
}

/** Opens the address with the token, and says where the page is then, and with which cookie. */
export async function openedPage({ url, port }: LivePage): Promise<{ place: string; cookie: string }> {
  const { headers, body } = await ask(port, new URL(url).pathname);
  const { place } = JSON.parse(/id="live-data">(.*?)<\/script>/s.exec(body)![1]!);
  return { place, cookie: headers['set-cookie']![0]! };
}
