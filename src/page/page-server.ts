import type { BindAddress } from '../http/bind-address.ts';
import type { HttpLimits } from '../http/http-server.ts';
import { KeptServer } from '../http/kept-server.ts';
import type { Log } from '../log.ts';
import type { Page } from './page.ts';

export interface PageServerOptions {
  /** --page-address. */
  readonly address: BindAddress;
  readonly page: Pick<Page, 'answer'>;
  /** Of this node's Node object, in lower case: a name that the page is answered by. */
  readonly nodeName: string;
  readonly log: Log;
  /** Other limits than the usual ones, for tests. */
  readonly limits?: Partial<HttpLimits>;
}

/** The server of --page-address, which has the page and nothing else. An address that cannot be used is tried again. */
export function pageServer({ address, page, nodeName, log, limits }: PageServerOptions): KeptServer {
  return new KeptServer({
    name: 'page',
    address,
    hardFail: undefined,
    first: (incoming) => page.answer(incoming, { is: 'anywhere', nodeName }),
    respond: () => undefined,
    ...(limits && { limits }),
    log,
  });
}
