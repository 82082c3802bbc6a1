import uPlot from 'uplot';
import type { PageHistory } from '../shapes.ts';
import { byId, h, show } from './dom.ts';
import { duration, figure } from './words.ts';

/** A line of a plot: its name, and its colour in the page. */
interface Line {
  readonly label: string;
  readonly color: string;
}

/** A plot of the last hour, with its values at the pointer, or the current ones. */
class Plot {
  readonly #place: HTMLElement;
  readonly #lines: readonly Line[];
  readonly #format: (value: number) => string;
  #data: uPlot.AlignedData = [[]];
  #plot: uPlot | undefined;

  constructor(id: string, lines: readonly Line[], format: (value: number) => string) {
    this.#place = byId(id);
    this.#lines = lines;
    this.#format = format;
    new ResizeObserver(() => {
      const width = this.#place.clientWidth;
      if (this.#plot !== undefined && width > 0) this.#plot.setSize({ width, height: HEIGHT });
    }).observe(this.#place);
    // A canvas does not follow styles, so it is drawn again in the other colours.
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
      this.#plot?.destroy();
      this.#plot = undefined;
      this.show(this.#data);
    });
  }

  show(data: uPlot.AlignedData): void {
    this.#data = data;
    if (this.#plot === undefined) this.#plot = new uPlot(this.#options(), data, this.#place);
    else this.#plot.setData(data);
    this.#say(null);
  }

  /** Shows the values at a position of the plot, in its colours; null: the latest. */
  #say(place: number | null | undefined): void {
    const isThere = place !== null && place !== undefined;
    const values = this.#lines.map((_, i) => {
      const line = this.#data[i + 1] ?? [];
      return isThere ? line[place] : lastOf(line);
    });
    const at = isThere ? this.#data[0]?.[place] : undefined;
    const when = at === undefined ? 'last' : new Date(at * 1000).toLocaleTimeString('en-GB').slice(0, 5);
    const isNothing = !isThere && values.every((value) => typeof value !== 'number');
    show(byId(`${this.#place.id}-says`), isNothing ? [] : [when, values], () => {
      if (isNothing) return [];
      const told = this.#lines.map(({ label, color }, i) => {
        const value = values[i];
        const text = typeof value === 'number' ? this.#format(value) : '–';
        return h('span', { class: `key ${color}` }, `${label} ${text}`);
      });
      return [`${when} `, ...told];
    });
  }

  #options(): uPlot.Options {
    const styles = getComputedStyle(document.documentElement);
    const color = (name: string) => styles.getPropertyValue(`--${name}`).trim();
    const axis: uPlot.Axis = {
      stroke: color('muted'),
      font: `11px ${FONT}`,
      grid: { stroke: color('line'), width: 1 },
      ticks: { show: false },
    };
    return {
      width: Math.max(this.#place.clientWidth, 100),
      height: HEIGHT,
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 } },
      scales: { y: { range: (_, __, most) => [0, most > 0 ? most * 1.1 : 1] } },
      axes: [
        { ...axis, size: 22, gap: 4, values: '{HH}:{mm}', space: 70 },
        { ...axis, size: 52, gap: 4, space: 28, values: (_, splits) => splits.map(this.#format) },
      ],
      series: [
        {},
        ...this.#lines.map(
          ({ label, color: name }): uPlot.Series => ({
            label,
            stroke: color(name),
            width: 1.5,
            spanGaps: false,
            points: { show: true, size: 3, fill: color(name) },
          }),
        ),
      ],
      hooks: { setCursor: [({ cursor }) => this.#say(cursor.idx)] },
    };
  }
}

function lastOf(values: ArrayLike<number | null | undefined>): number | null | undefined {
  for (let i = values.length - 1; i >= 0; i--) if (typeof values[i] === 'number') return values[i];
  return undefined;
}

const HEIGHT = 132;
const FONT = 'system-ui, sans-serif';

/** The two plots: how many connections begin, and how long changes take. */
export class Plots {
  readonly #connections = new Plot(
    'plot-connections',
    [
      { label: 'served', color: 'good' },
      { label: 'refused', color: 'warn' },
      { label: 'dropped', color: 'bad' },
    ],
    figure,
  );
  readonly #changes = new Plot(
    'plot-changes',
    [
      { label: 'mean', color: 'accent' },
      { label: 'longest', color: 'muted' },
    ],
    duration,
  );

  show(history: PageHistory): void {
    const { at, step, mean, longest, served, refused, dropped } = history;
    const times = mean.map((_, i) => (at - (mean.length - 1 - i) * step) / 1000);
    this.#connections.show([times, [...served], [...refused], [...dropped]]);
    this.#changes.show([times, [...mean], [...longest]]);
    const isEmpty = longest.every((one) => one === null);
    byId('no-changes').hidden = !isEmpty;
    byId('plot-changes').hidden = isEmpty;
  }
}
