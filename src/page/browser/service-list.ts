import { SERVICE_FATES, type ServiceFate } from '../shapes.ts';
import { byId, h, setText } from './dom.ts';
import type { Entry, Order, ServiceStore } from './service-store.ts';
import { VirtualList } from './virtual-list.ts';
import { figure, grouped } from './words.ts';

/** A sign for each fate, because not everybody can distinguish colours. */
const SIGNS: Readonly<Record<ServiceFate, string>> = {
  dropped: '✕',
  refused: '○',
  partly: '◐',
  none: '–',
  served: '●',
};

/** The cells of a row. */
const CELLS = ['name', 'type', 'addresses', 'ports', 'endpoints', 'rate', 'state'] as const;

export interface ServiceListOptions {
  readonly store: ServiceStore;
  /** New connections per second; undefined: they are not counted. */
  readonly rateOf: (key: string) => number | undefined;
  readonly onChoose: (entry: Entry) => void;
}

/** The list of Services, with its search and its order. */
export class ServiceList {
  readonly #options: ServiceListOptions;
  readonly #list: VirtualList<Entry>;
  readonly #search = byId<HTMLInputElement>('search');
  readonly #onlyProblems = byId<HTMLInputElement>('only-problems');
  #order: Order = 'name';

  constructor(options: ServiceListOptions) {
    this.#options = options;
    const viewport = byId('grid');
    const isNarrow = matchMedia('(max-width: 52rem)');
    this.#list = new VirtualList<Entry>({
      viewport,
      heading: byId('grid-head'),
      canvas: byId('grid-rows'),
      make: () => h('div', { role: 'row' }, ...CELLS.map((cell) => h('span', { role: 'gridcell', class: cell }))),
      fill: (row, entry) => this.#fill(row, entry),
      rowHeight: () => (isNarrow.matches ? 58 : 30),
      onChoose: options.onChoose,
    });
    isNarrow.addEventListener('change', () => this.#list.refresh());
    this.#search.addEventListener('input', () => this.select());
    this.#onlyProblems.addEventListener('change', () => this.select());
    for (const button of viewport.querySelectorAll<HTMLElement>('[data-order]')) {
      button.addEventListener('click', () => this.#orderBy(button.dataset['order'] as Order));
    }
    // Within the grid, these keys do not move the row.
    byId('grid-head').addEventListener('keydown', (event) => event.stopPropagation());
  }

  /** Selects again what is shown. */
  select(): void {
    const { store, rateOf } = this.#options;
    const found = store.select(this.#search.value, this.#onlyProblems.checked, this.#order, (key) => rateOf(key) ?? 0);
    this.#list.set(found);
    const all = grouped(store.size);
    const shown = found.length === store.size ? all : `${grouped(found.length)} of ${all}`;
    setText(byId('count'), store.isLoading ? `${shown}, loading…` : shown);
    setText(byId('only-problems-text'), `with problems: ${grouped(store.problems)}`);
    byId('nothing').hidden = found.length > 0 || store.isLoading;
  }

  /** The rates have changed. Rows show them, and may be sorted by them. */
  rated(isCounted: boolean): void {
    byId('grid').classList.toggle('without-rates', !isCounted);
    if (this.#order === 'rate') this.select();
    else this.#list.refresh();
  }

  #orderBy(order: Order): void {
    this.#order = order;
    for (const head of byId('grid').querySelectorAll<HTMLElement>('[role=columnheader]')) {
      const its = head.querySelector<HTMLElement>('[data-order]')?.dataset['order'];
      if (its === order)
        head.setAttribute('aria-sort', order === 'name' || order === 'state' ? 'ascending' : 'descending');
      else head.removeAttribute('aria-sort');
    }
    byId('grid').scrollTop = 0;
    this.select();
  }

  #fill(row: HTMLElement, { key, line }: Entry): void {
    const [namespace, name, type, addresses, ports, endpoints, local, fateAt, text] = line;
    const fate = SERVICE_FATES[fateAt] ?? 'none';
    const rate = this.#options.rateOf(key);
    const values: Readonly<Record<(typeof CELLS)[number], string>> = {
      name: `${namespace}/${name}`,
      type,
      addresses: addresses || '–',
      ports: ports || '–',
      endpoints:
        fate === 'none' ? '–' : local < 0 ? grouped(endpoints) : `${grouped(local)} of ${grouped(endpoints)} here`,
      rate: rate === undefined ? '' : figure(rate),
      state: `${SIGNS[fate]} ${text}`,
    };
    row.dataset['fate'] = fate;
    for (const [i, cell] of CELLS.entries()) {
      const element = row.children[i];
      if (element === undefined || element.textContent === values[cell]) continue;
      element.textContent = values[cell];
      element.setAttribute('title', values[cell]);
    }
  }
}
