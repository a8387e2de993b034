import type { ServerResponse } from 'node:http';

/** A message to a page. */
export interface Message {
  /** `sections`: what has changed. `reset`: what it knows is void. `bye`: nothing more comes, and why. */
  readonly event: 'sections' | 'reset' | 'bye';
  /** Bytes of events that it is up to. */
  readonly id?: number;
  readonly data: unknown;
}

/** A page that is open in a browser. */
export interface Stream {
  send(message: Message): void;
  /** Says why, and ends it; `more`: it could be opened again. */
  end(reason: string, more: boolean): void;
}

/** The streams of all pages of a server. */
export interface Streams {
  /**
   * Opens one; where there are too many, the oldest gets a notice and is closed. `closed` is called
   * once when it is over.
   */
  open(response: ServerResponse, closed: () => void): Stream;
  endAll(reason: string): void;
  readonly count: number;
}

/** More than so many would use up what a browser may have open to one server. */
const MOST_STREAMS = 4;

/** What is on its way to a slow reader may be so much, in bytes; then it is dropped. */
const MOST_UNSENT = 1 << 20;

/** How often a sign of life goes out, so that nothing in between takes the connection for dead, in ms. */
const COMMENT_MS = 15_000;

/** After how long a browser connects again, in ms. */
const RETRY_MS = 2000;

/** A message as server-sent events have it: JSON has no line breaks outside of its texts, which are escaped there. */
export const messageText = ({ event, id, data }: Message): string =>
  `event: ${event}\n${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`;

/** Streams of server-sent events; see {@link Streams}. */
export function openStreams(headers: Readonly<Record<string, string>>): Streams {
  const streams = new Set<Stream>();
  return {
    get count() {
      return streams.size;
    },
    open(response, closed) {
      if (streams.size >= MOST_STREAMS) {
        const [oldest] = streams;
        oldest!.end('The page was opened again elsewhere, and at most four are kept up to date.', true);
      }
      response.writeHead(200, { ...headers, 'Content-Type': 'text/event-stream; charset=utf-8' });
      const write = (text: string) => {
        if (response.destroyed || response.writableEnded) return;
        // What is there already was not taken in time: it is not added to.
        if (response.writableLength > 0 && response.writableLength + Buffer.byteLength(text) > MOST_UNSENT)
          response.destroy();
        else response.write(text);
      };
      const timer = setInterval(() => write(': still here\n\n'), COMMENT_MS);
      const stream: Stream = {
        send: (message) => write(messageText(message)),
        end(reason, more) {
          write(messageText({ event: 'bye', data: { reason, more } }));
          over();
          response.end();
        },
      };
      const over = () => {
        clearInterval(timer);
        if (streams.delete(stream)) closed();
      };
      response.on('close', over);
      streams.add(stream);
      write(`retry: ${RETRY_MS}\n\n`);
      return stream;
    },
    endAll(reason) {
      for (const stream of [...streams]) stream.end(reason, false);
    },
  };
}
