import type { PageFrontend, PageService } from '../shapes.ts';
import { byId, type Child, h } from './dom.ts';
import { get } from './requests.ts';
import type { Entry } from './service-store.ts';
import { grouped } from './words.ts';

/** Shows a Service: its frontends, what happens to connections to each, and their endpoints. */
export class ServiceDetails {
  readonly #panel = byId('details');
  #entry: Entry | undefined;

  /** `onTrace`: called to trace a Service. `onClose`: called when the list gets the focus again. */
  constructor(onTrace: (key: string) => void, onClose: () => void) {
    const close = () => {
      if (this.#panel.hidden) return;
      this.#panel.hidden = true;
      this.#entry = undefined;
      onClose();
    };
    byId('details-close').addEventListener('click', close);
    this.#panel.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') close();
    });
    byId('details-trace').addEventListener('click', () => {
      if (this.#entry !== undefined) onTrace(this.#entry.key);
    });
  }

  /** The Service that is shown. */
  get key(): string | undefined {
    return this.#entry?.key;
  }

  /** Shows a Service, and moves the focus there. */
  async open(entry: Entry): Promise<void> {
    this.#entry = entry;
    byId('details-name').textContent = entry.key;
    this.#panel.hidden = false;
    byId('details-name').focus();
    this.#panel.scrollIntoView({ block: 'nearest' });
    await this.refresh();
  }

  /** Loads it again. */
  async refresh(): Promise<void> {
    const entry = this.#entry;
    if (entry === undefined) return;
    const [namespace, name] = entry.line;
    const body = byId('details-body');
    try {
      const service = await get<PageService>('service', { namespace, name });
      if (this.#entry === entry) body.replaceChildren(...contents(service, entry));
    } catch (error) {
      if (this.#entry === entry)
        body.replaceChildren(h('p', { class: 'bad' }, String(error instanceof Error ? error.message : error)));
    }
  }
}

function contents({ frontends, left, shortfalls, limited }: PageService, entry: Entry): readonly HTMLElement[] {
  if (frontends.length === 0)
    return [h('p', {}, entry.line[8]), ...shortfalls.map((text) => h('p', { class: 'warn' }, text))];
  return [
    ...shortfalls.map((text) => h('p', { class: 'warn' }, text)),
    ...(limited === undefined ? [] : [h('p', { class: 'muted' }, `new connections: ${limited}`)]),
    ...frontends.map(frontendBlock),
    ...(left > 0 ? [h('p', { class: 'muted' }, `and ${grouped(left)} more frontends`)] : []),
  ];
}

function frontendBlock(frontend: PageFrontend): HTMLElement {
  const {
    port,
    type,
    address,
    fate,
    affinity,
    options = [],
    sourceRanges,
    endpoints,
    endpointCount,
    localEndpoints,
    localCount = 0,
    unreachable,
    unreachableCount = 0,
  } = frontend;
  const facts = [type, port === '' ? undefined : `port ${port}`, affinity && `affinity ${affinity}`, ...options].filter(
    Boolean,
  );
  const tone = fate.startsWith('served') ? 'good' : 'bad';
  return h(
    'section',
    { class: 'frontend' },
    h('h3', {}, h('code', {}, address), ' ', h('span', { class: 'muted' }, facts.join(' · '))),
    h('p', { class: tone }, fate),
    ...(sourceRanges.length > 0 ? [h('p', { class: 'muted' }, `from ${sourceRanges.join(', ')}`)] : []),
    ...(localEndpoints === undefined ? [] : [endpointList('on this node', localEndpoints, localCount)]),
    endpointList(localEndpoints === undefined ? 'endpoints' : 'all endpoints', endpoints, endpointCount),
    ...(unreachable === undefined
      ? []
      : [endpointList('on nodes that are not Ready: used only if there are no others', unreachable, unreachableCount)]),
  );
}

function endpointList(title: string, endpoints: readonly string[], count: number): HTMLElement {
  const items: readonly Child[] = endpoints.map((endpoint) => h('li', {}, endpoint));
  const more =
    count > endpoints.length ? [h('li', { class: 'muted' }, `and ${grouped(count - endpoints.length)} more`)] : [];
  return h(
    'div',
    {},
    h('p', { class: 'muted' }, `${grouped(count)} ${title}`),
    h('ul', { class: 'endpoints' }, ...items, ...more),
  );
}
