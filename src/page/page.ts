import type { IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { HttpAnswer } from '../http/http-server.ts';
import type { Steps } from '../service/steps.ts';
import { inSlices } from '../sync/slices.ts';
import { bodyAnswer, documentAnswer, refused } from './answers.ts';
import type { ChangeLog } from './change-log.ts';
import type { ConnectionRates } from './connection-rates.ts';
import { measured } from './cpu-limit.ts';
import { type Door, type Purpose, refusalOf } from './door.ts';
import { type PageFile, pageFile } from './page-file.ts';
import { bodyOf, MAX_BODY } from './request-body.ts';
import { serviceDetail } from './service-detail.ts';
import { changedLines, type ListedCluster, serviceLines } from './service-lines.ts';
import type { PageState, PageTrace } from './shapes.ts';
import type { StepRing } from './step-ring.ts';

/** A request for a trace: the operand of `trace`, and its --from. */
export interface TraceRequest {
  readonly to: string;
  readonly from?: string | undefined;
}

export interface PageOptions {
  readonly listed: () => ListedCluster;
  readonly state: () => PageState;
  readonly changes: ChangeLog;
  readonly ring: StepRing;
  readonly rates: ConnectionRates;
  /** Uses only a tolerable share of the thread's time, whatever is requested. */
  readonly trace: (request: TraceRequest) => Promise<PageTrace>;
  /** The file that a browser gets. Default: that of this build. */
  readonly file?: () => PageFile | undefined;
  /** Milliseconds since 1970; waits so many milliseconds. */
  readonly date?: () => number;
  readonly pause?: (milliseconds: number) => Promise<unknown>;
}

/** Lists of Services use at most one part in this many of the thread's time, however many are requested. */
const PARTS = 4;

/** Milliseconds between the end of a trace and the beginning of the next: anyone on the node can request them. */
const TRACE_PAUSE = 200;

const BROWSER_ONLY = 'the page is not in this build, which runs from source; npm run build makes it\n';

/**
 * Answers the requests of the operator's page, at a door. It only reads: no request can change anything, and nothing is
 * stored for clients.
 */
export class Page {
  readonly #options: PageOptions;
  /** One answer after the other: each is long work in slices, and many at once would leave no time for the rules. */
  #row: Promise<unknown> = Promise.resolve();
  #isTracing = false;
  /** Milliseconds that others get before the next list. */
  #owed = 0;

  constructor(options: PageOptions) {
    this.#options = options;
  }

  /** The answer to a request; undefined if its path does not belong to the page. */
  answer(incoming: IncomingMessage, door: Door): Promise<HttpAnswer> | undefined {
    const [, path = '', query = ''] = /^([^?#]*)\??([^#]*)/.exec(incoming.url ?? '') ?? [];
    const isDocument = path === '/page' || path === '/page/' || (path === '/' && door.is === 'anywhere');
    if (!isDocument && !path.startsWith('/page/')) return undefined;
    const purpose: Purpose = isDocument ? 'document' : path === '/page/trace' ? 'action' : 'data';
    const refusal = refusalOf(incoming, door, purpose);
    if (refusal !== undefined) return Promise.resolve(refused(403, refusal));
    const methods = purpose === 'action' ? ['POST'] : ['GET', 'HEAD'];
    if (!methods.includes(incoming.method ?? '')) {
      return Promise.resolve(refused(405, `use ${methods.join(' or ')}`, { Allow: methods.join(', ') }));
    }
    // Under /page/, the page would request its data from wrong paths.
    if (path === '/page/') return Promise.resolve(refused(404, 'the page is /page'));
    if (purpose === 'document') return Promise.resolve(this.#document(incoming));
    if (purpose === 'action') return this.#traced(incoming);
    // nft may take long, and nobody else should wait for it. All requests share one reading.
    if (path === '/page/rates') return this.#options.rates.now().then((rates) => bodyAnswer(incoming, rates));
    return this.#inTurn(incoming, () => this.#data(path.slice('/page/'.length), new URLSearchParams(query)));
  }

  #document(incoming: IncomingMessage): HttpAnswer {
    const file = (this.#options.file ?? pageFile)();
    return file === undefined ? { status: 503, body: BROWSER_ONLY } : documentAnswer(incoming, file);
  }

  /** Undefined: it does not exist. */
  async #data(what: string, query: URLSearchParams): Promise<object | undefined> {
    const { listed, state, changes, ring, date = Date.now } = this.#options;
    const { sequence } = changes;
    switch (what) {
      case 'state':
        return state();
      case 'services':
        return query.has('since')
          ? this.#listed(changedLines(listed(), changes.changedSince(numberOf(query, 'since')), sequence))
          : this.#listed(serviceLines(listed(), numberOf(query, 'from'), sequence));
      case 'service':
        return this.#listed(serviceDetail(listed(), `${query.get('namespace') ?? ''}/${query.get('name') ?? ''}`));
      case 'history':
        return ring.history(date());
      default:
        return undefined;
    }
  }

  async #listed<Result>(steps: Steps<Result>): Promise<Result> {
    const owed = this.#owed;
    this.#owed = 0;
    if (owed >= 1) await (this.#options.pause ?? sleep)(owed);
    return inSlices(
      measured(steps, (took) => {
        this.#owed += took * (PARTS - 1);
      }),
    );
  }

  async #inTurn(incoming: IncomingMessage, data: () => Promise<object | undefined>): Promise<HttpAnswer> {
    const before = this.#row;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#row = promise;
    await before;
    try {
      // Does no work for clients that have gone in the meantime.
      const answer = incoming.socket.destroyed ? undefined : await data();
      return answer === undefined ? refused(404, 'there is no such thing') : await bodyAnswer(incoming, answer);
    } finally {
      resolve();
    }
  }

  async #traced(incoming: IncomingMessage): Promise<HttpAnswer> {
    if (!/^application\/json\s*(?:;|$)/i.test(incoming.headers['content-type'] ?? '')) {
      return refused(415, 'the content type must be application/json');
    }
    const text = await bodyOf(incoming);
    if (text === undefined) return refused(413, `the body must have at most ${MAX_BODY} bytes`);
    const request = requestIn(text);
    if (request === undefined) return refused(400, 'the body must be a JSON object with "to", and optionally "from"');
    if (this.#isTracing) return refused(429, 'another trace is running, or has just ended: one at a time');
    this.#isTracing = true;
    try {
      return await bodyAnswer(incoming, await this.#options.trace(request));
    } finally {
      setTimeout(() => {
        this.#isTracing = false;
      }, TRACE_PAUSE).unref();
    }
  }
}

function numberOf(query: URLSearchParams, name: string): number {
  const number = Number(query.get(name) ?? 0);
  return Number.isSafeInteger(number) && number >= 0 ? number : 0;
}

function requestIn(text: string): TraceRequest | undefined {
  try {
    const { to, from }: Record<string, unknown> = Object(JSON.parse(text));
    if (typeof to !== 'string' || (from !== undefined && typeof from !== 'string')) return undefined;
    return { to, from: from === '' ? undefined : from };
  } catch {
    return undefined;
  }
}
