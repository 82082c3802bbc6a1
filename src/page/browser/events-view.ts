import type { PageState } from '../shapes.ts';
import { byId, h, show } from './dom.ts';
import { duration, FAMILY, grouped, timeOf } from './words.ts';

/** How many changes are listed, and how many names for each. */
const LISTED = 12;
const NAMES = 2;

/** Shows recent changes, and what others changed. */
export function showEvents({ changes, drifts }: PageState): void {
  const lines = [
    ...changes.map((change) => ({ at: change.at, change })),
    ...drifts.map((drift) => ({ at: drift.at, drift })),
  ].sort((a, b) => b.at - a.at);
  const shown = lines.slice(0, LISTED);
  show(byId('events'), shown, () =>
    shown.length === 0
      ? [h('li', { class: 'muted' }, 'nothing yet')]
      : shown.map((line) => {
          const time = h('time', { datetime: new Date(line.at).toISOString() }, timeOf(line.at));
          if ('drift' in line) {
            const text = `${FAMILY[line.drift.family]}: changed by others: ${line.drift.message}`;
            return h('li', { class: 'warn' }, time, ' ', h('span', {}, text));
          }
          const { family, isFull, operations, milliseconds, keys, services } = line.change;
          const names = keys.slice(0, NAMES).join(', ');
          const more = services > NAMES ? ` and ${grouped(services - NAMES)} more` : '';
          const what = isFull ? 'table read or rebuilt' : names === '' ? 'rules' : `${names}${more}`;
          return h(
            'li',
            {},
            time,
            ' ',
            h('span', {}, what),
            h(
              'span',
              { class: 'muted' },
              ` ${FAMILY[family]}, ${grouped(operations)} elements, ${duration(milliseconds)}`,
            ),
          );
        }),
  );
}
