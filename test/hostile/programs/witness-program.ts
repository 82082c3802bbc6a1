import { request } from 'node:http';
import { connect } from 'node:net';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { memoryWithChildren } from '../../../scripts/bench/process-figures.ts';
import { now } from '../clock.ts';

/**
 * A program: `witness-program.ts ADDRESS PORT PID URL...`. Connects to a Service all the time and says which endpoint
 * answered, whenever that is another one ("seen ENDPOINT MILLISECONDS"); requests the URLs all the time; looks at the
 * memory of a process with its children. At "done" on its stdin, and at its end, it prints what it saw as a line of JSON.
 */
const [address = '', port = '', pid = '', ...urls] = process.argv.slice(2);

/** Milliseconds. */
const CONNECT_EVERY = 10;
const REQUEST_EVERY = 100;
/** Of the rounds in which /livez is requested, those in which metrics are: it takes the daemon some work. */
const METRICS_EVERY = 5;
const LOOK_EVERY = 50;
/** Of a connection, and of an answer that is late already. */
const CONNECT_PATIENCE = 3000;
const ANSWER_PATIENCE = 20_000;
/** At a time: a witness is no attack. */
const MAX_CONNECTIONS = 50;
const MAX_REQUESTS = 8;

/** What was seen. */
export interface Testimony {
  /** Connections to the Service that were answered, and that were not. */
  readonly connected: number;
  readonly refused: number;
  /** For each URL the milliseconds until each answer, whatever it said; -1 for none. */
  readonly answers: Readonly<Record<string, readonly number[]>>;
  /** MiB: the daemon with its children, at most. */
  readonly peakMemory: number;
  /** Milliseconds by which the witness itself was late, at most: the machine had something else to do. */
  readonly lateness: number;
}

const seen = { connected: 0, refused: 0, peakMemory: 0, lateness: 0 };
const answers = Object.fromEntries(urls.map((url): [string, number[]] => [url, []]));
let endpoint = '';
let connections = 0;
let lastProbe = now();

function probe(): void {
  seen.lateness = Math.max(seen.lateness, now() - lastProbe - CONNECT_EVERY);
  lastProbe = now();
  if (connections >= MAX_CONNECTIONS) return;
  connections++;
  const started = now();
  let text = '';
  const socket = connect({ host: address, port: Number(port) });
  socket.setTimeout(CONNECT_PATIENCE, () => socket.destroy());
  socket.setEncoding('utf8').on('data', (data) => {
    text += data;
  });
  socket.on('error', () => undefined);
  socket.once('close', () => {
    connections--;
    if (!text.endsWith('\n')) seen.refused++;
    else {
      seen.connected++;
      if (text === endpoint) return;
      endpoint = text;
      // When its first packet went through the rules.
      process.stdout.write(`seen ${endpoint.trim()} ${started}\n`);
    }
  });
}

function send(url: string): void {
  const open = (requests.get(url) ?? 0) + 1;
  if (open > MAX_REQUESTS) return;
  requests.set(url, open);
  const started = now();
  let isOver = false;
  const over = (milliseconds: number) => {
    if (isOver) return;
    isOver = true;
    requests.set(url, (requests.get(url) ?? 1) - 1);
    answers[url]?.push(milliseconds);
  };
  request(url, { agent: false, signal: AbortSignal.timeout(ANSWER_PATIENCE) }, (response) => {
    response
      .resume()
      .on('error', () => over(-1))
      .on('end', () => over(now() - started));
  })
    .on('error', () => over(-1))
    .end();
}

function look(): void {
  try {
    seen.peakMemory = Math.max(seen.peakMemory, memoryWithChildren(Number(pid)).rss);
  } catch {
    // It ended, which is somebody else's to tell.
  }
}

const requests = new Map<string, number>();
setInterval(probe, CONNECT_EVERY);
let round = 0;
setInterval(() => {
  const isForMetrics = round++ % METRICS_EVERY === 0;
  for (const url of urls) if (isForMetrics || !url.endsWith('/metrics')) send(url);
}, REQUEST_EVERY);
if (pid !== '') setInterval(look, LOOK_EVERY);
process.stdout.write('ready\n');
for await (const _ of createInterface({ input: process.stdin })) {
  const testimony: Testimony = { ...seen, answers };
  process.stdout.write(`${JSON.stringify(testimony)}\n`);
}
process.exit();
