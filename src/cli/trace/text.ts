import type { LiveResult, TraceAnswer, TracedConnection } from '../../daemon/answers/trace/connection.ts';
import { oneLine } from '../../log-line.ts';
import { KINDS } from '../../status/service-table.ts';
import { count } from '../../status/words.ts';
import { placeText } from '../../trace/packet.ts';
import { outcomeLines, packetText, ruleLines } from '../../trace/print-trace.ts';

/** The maximum number of listed differences for one connection. */
const MAX_DIFFERENCES = 20;

/** The text of an answer: for each connection a summary line, then the details. `withRules`: also the rules. */
export function traceText({ connections, left, origin }: TraceAnswer, withRules: boolean): string {
  const blocks = connections.map((connection) => connectionLines(connection, withRules).join('\n'));
  const more = left > 0 ? [`and ${left} more: name a port\n`] : [];
  const late = connections.every(({ inForce }) => inForce)
    ? []
    : ['NOT IN FORCE YET: the kernel keeps its current rules'];
  return `${[blocks.join(withRules ? '\n\n' : '\n'), ...more, ...late, `(${oneLine(origin)})`].join('\n')}\n`;
}

function connectionLines(connection: TracedConnection, withRules: boolean): readonly string[] {
  const { text, remedy, live, outcomeCount, resetsGone = false, slowStart } = connection;
  const differing = live !== undefined && live.differences.length > 0;
  const verdict = remedy === undefined ? text : `${text}; ${remedy}`;
  const first = `${nameOf(connection)}: ${differing ? `NOT AS IN THE KERNEL (see below): ${verdict}` : verdict}`;
  return [
    oneLine(first),
    `  ${placeLine(connection)}`,
    ...(outcomeCount > 1 ? outcomeLines(connection).map((line) => `    ${line}`) : []),
    ...(slowStart === undefined ? [] : [`  a new endpoint gets its full share after ${slowStart} (slow-start)`]),
    ...(resetsGone ? ['  an open connection is reset when its endpoint no longer exists'] : []),
    ...(live === undefined ? [] : liveLines(live).map((line) => `  ${oneLine(line)}`)),
    ...(withRules ? ruleLines(connection).map((line) => (line === '' ? '' : `  ${line}`)) : []),
  ];
}

/** "default/web:http", or the address if no Service has it. */
function nameOf({ service, destination, port, protocol }: TracedConnection): string {
  if (service === undefined) return `${placeText(destination, port)}/${protocol}`;
  return `${service.namespace}/${service.name}${service.port === '' ? '' : `:${service.port}`}`;
}

function placeLine({ service, interface: iifname, isExample, ...packet }: TracedConnection): string {
  const kind = service === undefined ? '' : ` (${KINDS[service.kind]})`;
  const example = isExample ? `; ${packet.source} is an example` : '';
  return `${packetText({ ...packet, iifname })}${kind}${example}`;
}

function liveLines({ chains, elements, differences, notCompared }: LiveResult): readonly string[] {
  const compared = `${count(chains, 'chain')} and ${count(elements, 'element')} on the way compared`;
  const verdict = differences.length === 0 ? 'as it should be' : count(differences.length, 'difference');
  const listed = differences.slice(0, MAX_DIFFERENCES).map(({ message }) => `  differs: ${message}`);
  const untold = differences.length - listed.length;
  return [
    `kernel: ${verdict}; ${compared}`,
    ...listed,
    ...(untold > 0 ? [`  and ${untold} more`] : []),
    ...notCompared.map((what) => `  not compared: ${what}`),
  ];
}
