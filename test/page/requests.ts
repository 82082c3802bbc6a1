import { once } from 'node:events';
import { connect } from 'node:net';

/** What a server answered to raw bytes. */
export interface RawAnswer {
  /** 0 if it said nothing that is HTTP. */
  readonly status: number;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

export interface RawRequest {
  readonly host?: string;
  readonly port: number | undefined;
  /** "GET /page HTTP/1.1", with the version. */
  readonly line: string;
  /** Each a whole line: "Host: localhost". */
  readonly headers?: readonly string[];
  readonly body?: string;
}

/** Sends a request just as it is written here, and waits until the server ends the connection. */
export async function sendRaw({
  host = '127.0.0.1',
  port = 0,
  line,
  headers = [],
  body = '',
}: RawRequest): Promise<RawAnswer> {
  const socket = connect(port, host);
  await once(socket, 'connect');
  let text = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  // A reset is an end, too.
  socket.on('error', () => undefined);
  const closed = once(socket, 'close');
  socket.write(`${[line, ...headers].join('\r\n')}\r\n\r\n${body}`);
  await closed;
  const [head = '', ...rest] = text.split('\r\n\r\n');
  const [first = '', ...lines] = head.split('\r\n');
  const told = lines.map((one) => {
    const at = one.indexOf(':');
    return [one.slice(0, at).toLowerCase(), one.slice(at + 1).trim()] as const;
  });
  return {
    status: Number(/^HTTP\/1\.1 (\d+)/.exec(first)?.[1] ?? 0),
    headers: new Map(told),
    body: rest.join('\r\n\r\n'),
  };
}
