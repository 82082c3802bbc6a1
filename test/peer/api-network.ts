import https from 'node:https';
import process from 'node:process';
import tls from 'node:tls';
import {
  addNamespace,
  NAMESPACE_PREFIX,
  removeNamespace,
  removeStaleNamespaces,
  requireRoot,
  runSync,
} from '../netns/namespaces.ts';
import { Dialer } from './dialer.ts';

/** The API server's address, the same for every namespace that joins; each of them gets one of 100.64.1.0/24. */
const ADDRESS = '100.64.0.1';
const DEVICE = 'api';

let networksMade = 0;

/** A network namespace for an API server, with a link to each namespace that joins it. Remove it when done. */
export class ApiNetwork {
  readonly address = ADDRESS;
  readonly namespace = `${NAMESPACE_PREFIX}${process.pid}-api-${networksMade++}`;
  readonly #dialer: Dialer;
  readonly #remove = () => removeNamespace(this.namespace);
  #links = 0;

  constructor() {
    requireRoot();
    removeStaleNamespaces();
    addNamespace(this.namespace);
    process.on('exit', this.#remove);
    this.#ip(this.namespace, ['link set lo up', `address add ${ADDRESS}/32 dev lo`]);
    this.#dialer = new Dialer(this.namespace);
  }

  /** Links a namespace to this one. The server has the same address in each, which has no other use for 100.64.0.0/16. */
  join(namespace: string): void {
    this.#links += 1;
    const near = `100.64.1.${this.#links}`;
    const macs = ['02', '03'].map((side) => `02:6b:70:${side}:00:${this.#links.toString(16).padStart(2, '0')}`);
    const [mac, ownMac] = macs;
    const device = `link${this.#links}`;
    this.#ip(this.namespace, [
      `link add ${device} address ${ownMac} type veth peer name ${DEVICE} address ${mac} netns ${namespace}`,
      `link set ${device} up`,
      `route add ${near} dev ${device} src ${ADDRESS}`,
      `neigh add ${near} lladdr ${mac} nud permanent dev ${device}`,
    ]);
    this.#ip(namespace, [
      `link set ${DEVICE} up`,
      `address add ${near}/32 dev ${DEVICE}`,
      `route add ${ADDRESS} dev ${DEVICE} src ${near}`,
      `neigh add ${ADDRESS} lladdr ${ownMac} nud permanent dev ${DEVICE}`,
    ]);
  }

  /** For requests of this process: their connections begin inside the namespace. */
  agent(options: https.AgentOptions): https.Agent {
    return new DialledAgent(this.#dialer, options);
  }

  async remove(): Promise<void> {
    await this.#dialer.close();
    process.off('exit', this.#remove);
    this.#remove();
  }

  #ip(namespace: string, lines: readonly string[]): void {
    runSync(['ip', '-n', namespace, '-batch', '-'], { input: `${lines.join('\n')}\n` });
  }
}

class DialledAgent extends https.Agent {
  readonly #dialer: Dialer;

  constructor(dialer: Dialer, options: https.AgentOptions) {
    super(options);
    this.#dialer = dialer;
  }

  override createConnection(
    options: https.RequestOptions,
    callback: Parameters<https.Agent['createConnection']>[1],
  ): undefined {
    const { host, port, ca } = options;
    this.#dialer.connect(String(host), Number(port)).then(
      (socket) => callback?.(null, tls.connect({ socket, ...(host != null && { host }), ...(ca && { ca }) })),
      // Without a connection there is no stream either.
      (error) => callback?.(error, undefined as never),
    );
  }
}
