import type { PageConnection, PageTrace } from '../shapes.ts';
import { byId, type Child, h, svg } from './dom.ts';
import { post } from './requests.ts';
import { grouped } from './words.ts';

/** Pixels of a step in the drawing, and of its margin. */
const STEP = 34;
const MARGIN = 40;

/** The box that runs `trace`, with its result: the verdict for each connection, and its way. */
export class TraceBox {
  readonly #to = byId<HTMLInputElement>('trace-to');
  readonly #from = byId<HTMLInputElement>('trace-from');
  readonly #results = byId('trace-results');
  #isBusy = false;

  constructor() {
    byId('trace-form').addEventListener('submit', (event) => {
      event.preventDefault();
      void this.#run();
    });
  }

  /** Traces a target. */
  trace(to: string): void {
    this.#to.value = to;
    byId('trace').scrollIntoView({ block: 'nearest' });
    this.#to.focus();
    void this.#run();
  }

  async #run(): Promise<void> {
    if (this.#isBusy || this.#to.value.trim() === '') return;
    this.#isBusy = true;
    this.#results.setAttribute('aria-busy', 'true');
    try {
      const answer = await post<PageTrace>('trace', { to: this.#to.value, from: this.#from.value });
      this.#results.replaceChildren(...contents(answer));
    } catch (error) {
      this.#results.replaceChildren(h('p', { class: 'bad' }, error instanceof Error ? error.message : String(error)));
    } finally {
      this.#isBusy = false;
      this.#results.removeAttribute('aria-busy');
    }
  }
}

function contents({ connections, left, error }: PageTrace): readonly HTMLElement[] {
  return [
    ...(error === undefined ? [] : [h('p', { class: 'bad' }, error)]),
    ...connections.map(connectionBlock),
    ...(left > 0 ? [h('p', { class: 'muted' }, `and ${grouped(left)} more: name a port`)] : []),
  ];
}

const TONES = { served: 'good', refused: 'warn', dropped: 'bad', untouched: 'muted' } as const;

function connectionBlock(connection: PageConnection): HTMLElement {
  const { fate, text, remedy, inForce, service, destination, rules, ruleCount } = connection;
  return h(
    'article',
    { class: 'connection' },
    h('h3', {}, service ?? destination),
    h('p', { class: TONES[fate] }, text),
    ...(remedy === undefined ? [] : [h('p', {}, remedy)]),
    ...(inForce ? [] : [h('p', { class: 'warn' }, 'not in force yet: the kernel keeps its current rules')]),
    path(connection),
    h(
      'details',
      {},
      h('summary', {}, `${grouped(ruleCount)} rules on the way`),
      h('ol', { class: 'rules' }, ...rules.map(ruleLine)),
    ),
  );
}

function ruleLine({ hook, chain, rule, result, probability }: PageConnection['rules'][number]): HTMLElement {
  const share = probability > 0.9995 ? '' : ` [${percent(probability)}]`;
  return h(
    'li',
    {},
    h('span', { class: 'muted' }, `${hook} · ${chain}${share}`),
    h('code', {}, result === '' ? rule : `${rule} → ${result}`),
  );
}

/** Draws the way: from the client to the address, and on to each endpoint, with wider lines for more connections. */
function path({
  protocol,
  source,
  from,
  isExample,
  destination,
  port,
  type,
  fate,
  outcomes,
  outcomeCount,
}: PageConnection): HTMLElement {
  const side = { node: 'this node', pod: 'a pod', outside: 'outside' }[from] ?? from;
  const address =
    port === undefined ? destination : `${destination.includes(':') ? `[${destination}]` : destination}:${port}`;
  const stops: Child[] = [
    stop('client', source, `${side}${isExample ? ', an example' : ''}`),
    stop('address', address, [type, protocol].filter(Boolean).join(', ')),
    ...outcomes.map(({ probability, text, isNat }) =>
      stop(`end ${fate}`, text, `${percent(probability)}${isNat ? ", from the node's address" : ''}`),
    ),
    ...(outcomeCount > outcomes.length ? [stop('end', `and ${grouped(outcomeCount - outcomes.length)} more`, '')] : []),
  ];
  return h('div', { class: 'path' }, drawing(outcomes, outcomeCount > outcomes.length, fate), h('ul', {}, ...stops));
}

function stop(kind: string, text: string, note: string): HTMLElement {
  return h('li', { class: kind }, h('code', {}, text), ' ', h('span', { class: 'muted' }, note));
}

function drawing(outcomes: PageConnection['outcomes'], hasMore: boolean, fate: PageConnection['fate']): SVGElement {
  const ends = outcomes.length + (hasMore ? 1 : 0);
  const y = (i: number) => STEP * i + STEP / 2;
  const x = 10;
  const lines = outcomes.map(({ probability }, i) => {
    const to = y(i + 2);
    const way = `M ${x} ${y(1)} V ${to - 10} Q ${x} ${to} ${x + 10} ${to} H ${MARGIN - 9}`;
    return svg('path', { d: way, class: 'way', 'stroke-width': Math.max(1, Math.min(5, probability * 5)).toFixed(1) });
  });
  const dots = outcomes.map((_, i) => svg('circle', { cx: MARGIN - 6, cy: y(i + 2), r: 4, class: `dot ${fate}` }));
  return svg(
    'svg',
    { width: MARGIN, height: STEP * (ends + 2), 'aria-hidden': 'true' },
    svg('path', { d: `M ${x} ${y(0)} V ${y(1)}`, class: 'way', 'stroke-width': 3 }),
    ...lines,
    svg('circle', { cx: x, cy: y(0), r: 5, class: 'dot' }),
    svg('circle', { cx: x, cy: y(1), r: 5, class: 'dot' }),
    ...dots,
  );
}

/** The same format as in `trace`. */
function percent(probability: number): string {
  return probability < 0.0005 ? '<0.1%' : `${Number((probability * 100).toFixed(1))}%`;
}
