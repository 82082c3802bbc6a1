/** Extra rows above and below the visible ones, which are ready before they are scrolled into view. */
const BESIDE = 8;

export interface VirtualListOptions<Item> {
  /** The scrolling element. It has the focus, and aria-activedescendant names the current row. */
  readonly viewport: HTMLElement;
  /** What stays at its top. */
  readonly heading: HTMLElement;
  /** As tall as all rows together. */
  readonly canvas: HTMLElement;
  /** Makes an empty row, with its cells. */
  readonly make: () => HTMLElement;
  /** Shows an item in a row. */
  readonly fill: (row: HTMLElement, item: Item) => void;
  /** Pixels. */
  readonly rowHeight: () => number;
  /** A row was chosen with Enter or a click. */
  readonly onChoose: (item: Item) => void;
}

/** Shows a list of any length with only as many elements as fit on the screen. */
export class VirtualList<Item> {
  readonly #options: VirtualListOptions<Item>;
  /** Elements by the row they show. */
  readonly #rows = new Map<number, HTMLElement>();
  #items: readonly Item[] = [];
  #active = -1;
  #isDue = false;

  constructor(options: VirtualListOptions<Item>) {
    this.#options = options;
    const { viewport, canvas } = options;
    viewport.addEventListener('scroll', () => this.#soon(), { passive: true });
    viewport.addEventListener('keydown', (event) => this.#key(event));
    canvas.addEventListener('click', (event) => {
      const row = (event.target as Element).closest<HTMLElement>('[role=row]');
      if (row !== null) this.#choose(Number(row.getAttribute('aria-rowindex')) - 2);
    });
    new ResizeObserver(() => this.#soon()).observe(viewport);
  }

  /** Shows other items, and keeps the position. */
  set(items: readonly Item[]): void {
    this.#items = items;
    if (this.#active >= items.length) this.#active = items.length - 1;
    this.refresh();
  }

  /** Shows the same items again, because one of them has changed. */
  refresh(): void {
    for (const row of this.#rows.values()) row.dataset['stale'] = '';
    this.#soon();
  }

  #soon(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    requestAnimationFrame(() => {
      this.#isDue = false;
      this.#draw();
    });
  }

  #draw(): void {
    const { viewport, canvas, make, fill, rowHeight } = this.#options;
    const height = rowHeight();
    canvas.style.height = `${height * this.#items.length}px`;
    viewport.setAttribute('aria-rowcount', `${this.#items.length + 1}`);
    const first = Math.max(0, Math.floor(viewport.scrollTop / height) - BESIDE);
    const last = Math.min(
      this.#items.length,
      Math.ceil((viewport.scrollTop + viewport.clientHeight) / height) + BESIDE,
    );
    const spare = [...this.#rows].filter(([i]) => i < first || i >= last);
    for (let i = first; i < last; i++) {
      const item = this.#items[i];
      if (item === undefined) continue;
      let row = this.#rows.get(i);
      if (row === undefined) {
        const [from, reused] = spare.pop() ?? [];
        if (from !== undefined) this.#rows.delete(from);
        row = reused ?? canvas.appendChild(make());
        row.dataset['stale'] = '';
        this.#rows.set(i, row);
      }
      if (row.dataset['stale'] !== undefined) {
        delete row.dataset['stale'];
        row.id = `row-${i}`;
        row.setAttribute('aria-rowindex', `${i + 2}`);
        row.style.transform = `translateY(${i * height}px)`;
        row.style.height = `${height}px`;
        fill(row, item);
      }
      row.setAttribute('aria-selected', `${i === this.#active}`);
    }
    for (const [i, row] of spare) {
      row.remove();
      this.#rows.delete(i);
    }
    if (this.#rows.has(this.#active)) viewport.setAttribute('aria-activedescendant', `row-${this.#active}`);
    else viewport.removeAttribute('aria-activedescendant');
  }

  #key(event: KeyboardEvent): void {
    const page = Math.max(1, Math.floor(this.#seen() / this.#options.rowHeight()) - 1);
    const last = this.#items.length - 1;
    const moves: Readonly<Record<string, number>> = {
      ArrowDown: this.#active + 1,
      ArrowUp: Math.max(0, this.#active - 1),
      PageDown: this.#active + page,
      PageUp: Math.max(0, this.#active - page),
      Home: 0,
      End: last,
    };
    const to = moves[event.key];
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (to !== undefined) this.#activate(Math.min(last, to));
    else if (event.key === 'Enter') this.#choose(this.#active);
    else return;
    event.preventDefault();
  }

  #activate(i: number): void {
    const { viewport, rowHeight } = this.#options;
    this.#active = i;
    const top = i * rowHeight();
    const below = top + rowHeight() - this.#seen();
    if (viewport.scrollTop > top) viewport.scrollTop = top;
    else if (viewport.scrollTop < below) viewport.scrollTop = below;
    this.#soon();
  }

  /** Pixels of rows that can be seen. */
  #seen(): number {
    const { viewport, heading } = this.#options;
    return viewport.clientHeight - heading.offsetHeight;
  }

  #choose(i: number): void {
    const item = this.#items[i];
    if (item === undefined) return;
    this.#activate(i);
    this.#options.onChoose(item);
  }
}
