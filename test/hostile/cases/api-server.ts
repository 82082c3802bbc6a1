import { again, type HostileCase } from '../case.ts';
import { clusterIp, podAddresses, service, slice } from '../objects.ts';

function event(type: string, name: string, resourceVersion: string): string {
  const { metadata, ...rest } = service(name, clusterIp(7));
  return `${JSON.stringify({ type, object: { ...rest, metadata: { ...metadata, resourceVersion } } })}\n`;
}

/** What comes by the connection to the API server, from it or through somebody on the path. */
export const API_SERVER: readonly HostileCase[] = [
  {
    name: 'watch-errors',
    attack: 'the watches of Services and slices end with ERROR 410, 500 and 504 five times a second',
    during: (stage, signal) =>
      again(signal, 200, (round) => {
        stage.api.sendError(round % 2 === 0 ? 'Service' : 'EndpointSlice', [410, 500, 504][round % 3] ?? 410);
      }),
  },
  {
    name: 'watches-reset',
    attack: 'the connections of the watches are reset five times a second',
    during: (stage, signal) =>
      again(signal, 200, (round) =>
        stage.api.end(round % 2 === 0 ? 'Service' : 'EndpointSlice', round % 4 < 2 ? 'reset' : 'properly'),
      ),
  },
  {
    name: 'events-twice-and-late',
    attack: 'events arrive twice, out of order, with old or invalid versions, and for objects that never existed',
    during: (stage, signal) => {
      stage.put(service('twice', clusterIp(7)), slice('twice-0', 'twice', podAddresses(2)));
      return again(signal, 100, (round) => {
        const type = ['ADDED', 'MODIFIED', 'DELETED'][round % 3] ?? 'ADDED';
        const version = ['1', '0', '-1', '', '99999999999999999999999', 'abc', '101'][round % 7] ?? '';
        stage.api.write('Service', event(type, `ghost-${round % 5}`, version).repeat(2));
      });
    },
  },
  {
    name: 'malformed-events',
    attack: 'ten times a second, a line of the watch that is not JSON, not an event, of another kind, or null',
    during: (stage, signal) => {
      const lines = [
        '{{{',
        'null',
        '[]',
        '1',
        '""',
        '{"type":"ADDED"}',
        '{"type":"ADDED","object":null}',
        '{"type":"WHAT","object":{}}',
        '\u0000\u001b[2J',
        '{"type":"ADDED","object":{"kind":"Pod","metadata":{"name":"a"}}}',
      ];
      return again(signal, 100, (round) => stage.api.write('Service', `${lines[round % lines.length]}\n`));
    },
  },
  {
    name: 'endless-line',
    attack: 'a line of a watch that never ends, and grows by 1 MB every 20 ms',
    during: (stage, signal) => {
      const part = 'a'.repeat(1024 * 1024);
      return again(signal, 20, (round) =>
        stage.api.write('Service', `${round === 0 ? '{"type":"ADDED","x":"' : ''}${part}`),
      );
    },
  },
];
