import type { FrontendChange, ServiceChange } from './service-changes.ts';

/** The beginning of a line of a difference. */
export type Sign = '+' | '-' | '~' | ' ';

/** A line, and whether something is added, removed or changed. */
export type SignedLine = readonly [sign: Sign, text: string];

/** How many endpoints of a frontend are listed. */
const LISTED = 20;

const SIGNS = { added: '+', removed: '-', changed: '~' } as const;

/** Changes by Service: each Service, its frontends, and the endpoints that are added and removed. */
export function changeLines(changes: readonly ServiceChange[]): readonly SignedLine[] {
  return changes.flatMap(({ namespace, name, action, frontends }): readonly SignedLine[] => [
    [SIGNS[action], `${namespace}/${name}`],
    ...alike(frontends).flatMap(frontendLines),
  ]);
}

/** Frontends that change in the same way, like those of a port, become one with several addresses. */
function alike(frontends: readonly FrontendChange[]): readonly (readonly FrontendChange[])[] {
  const groups = new Map<string, FrontendChange[]>();
  for (const frontend of frontends) {
    const { address: _, ...rest } = frontend;
    const key = JSON.stringify(rest);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [frontend]);
    else group.push(frontend);
  }
  return [...groups.values()];
}

function frontendLines(group: readonly FrontendChange[]): readonly SignedLine[] {
  const [first] = group;
  if (first === undefined) return [];
  const { action, port, others } = first;
  const addresses = group.map(({ address }) => address).join(', ');
  const about = [...(port === '' ? [] : [port]), countOf(first), ...others].join('; ');
  return [
    [SIGNS[action], `  ${addresses}  (${about})`],
    ...endpointLines('-', first.endpointsRemoved),
    ...endpointLines('+', first.endpointsAdded),
    ...endpointLines('-', first.localEndpointsRemoved, ' for clients from outside'),
    ...endpointLines('+', first.localEndpointsAdded, ' for clients from outside'),
  ];
}

/** "3 → 4 endpoints", "1 endpoint". */
function countOf({ endpoints: [before, after] }: FrontendChange): string {
  const last = after ?? before ?? 0;
  const from = before === null || after === null || before === after ? '' : `${before} → `;
  return `${from}${counted(last, 'endpoint')}`;
}

function endpointLines(sign: Sign, endpoints: readonly string[], note = ''): readonly SignedLine[] {
  const more = endpoints.length - LISTED;
  return [
    ...endpoints.slice(0, LISTED).map((endpoint): SignedLine => [sign, `    ${endpoint}${note}`]),
    ...(more > 0 ? ([[sign, `    and ${counted(more, 'other')}`]] as const) : []),
  ];
}

/** "1 endpoint", "2 endpoints". */
export function counted(number: number, noun: string): string {
  return `${number.toLocaleString('en')} ${noun}${number === 1 ? '' : 's'}`;
}
