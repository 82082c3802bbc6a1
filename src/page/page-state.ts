import { isInSync, problemsOf, type Status } from '../status/status.ts';
import type { ChangeLog } from './change-log.ts';
import type { PageState } from './shapes.ts';

/** How many recent events are shown. */
const SHOWN = 20;

/** Characters of a command that changed our tables. */
const MAX_COMMAND = 300;

/** The state of the daemon, in the form for the page. */
export function pageState(status: Omit<Status, 'withoutEndpoints'>, changes: ChangeLog): PageState {
  const { families, shortfalls, culprit, at, ...rest } = status;
  return {
    ...rest,
    at,
    inSync: isInSync(status),
    families: families.map(({ waitingSince, failures, differences, table, ...family }) => ({
      ...family,
      table: table ?? null,
      problems: problemsOf({ waitingSince, failures, differences, table, ...family }, at),
    })),
    culprit: culprit && { ...culprit, command: culprit.command.slice(0, MAX_COMMAND) },
    shortfalls: Object.fromEntries(Object.entries(shortfalls).filter(([, count]) => count > 0)),
    sequence: changes.sequence,
    changes: changes.changes.slice(0, SHOWN),
    drifts: changes.drifts.slice(0, SHOWN),
  };
}
