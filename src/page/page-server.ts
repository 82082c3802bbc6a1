import type { BindAddress } from '../http/bind-address.ts';
import type { HttpLimits } from '../http/http-server.ts';
import { KeptServer } from '../http/kept-server.ts';
import type { Log } from '../log.ts';
import type { Page } from './page.ts';

export interface PageServerOptions {
  /** --page-address. */
  readonly address: BindAddress;
  readonly page: Pick<Page, 'answer'>;
  /** The name of this node's Node object, in lower case: the page is also served under it. */
  readonly nodeName: string;
  readonly log: Log;
  /** Other limits than the usual ones, for tests. */
  readonly limits?: Partial<HttpLimits>;
}

/** The server for --page-address, which only has the page. If the address cannot be used, it retries. */
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
