import * as fc from 'fast-check';
import { ENDPOINTS, type EndpointName, OTHER_NODE, THIS_NODE } from '../runner/cast.ts';
import type { Port } from '../runner/objects.ts';

/** Every port a Service can have; a slice has all of them, by name. */
export const PORTS: readonly Port[] = [
  { name: 'http', protocol: 'TCP', port: 80 },
  { name: 'dns', protocol: 'UDP', port: 80 },
  { name: 'alt', protocol: 'TCP', port: 81 },
  { name: 'sig', protocol: 'SCTP', port: 80 },
];

export const READY: readonly object[] = [{ ready: true }, { ready: true, serving: true, terminating: false }, {}];
export const ENDING = { ready: false, serving: true, terminating: true };

/** Conditions as controllers write them, and a few that they should not. */
export const CONDITIONS: readonly object[] = [
  ...READY,
  ENDING,
  { ready: false, serving: false, terminating: false },
  { ready: false, serving: false, terminating: true },
  // publishNotReadyAddresses: ready, whatever else.
  { ready: true, serving: false, terminating: true },
  { ready: false, serving: true, terminating: false },
];

const anyConditions = fc.constantFrom(...CONDITIONS);

/** Mostly ready, or (a rollout) mostly about to end, or all sorts. */
const conditionsOfSlice = fc.constantFrom<fc.Arbitrary<object>>(
  ...[READY, READY, READY, [ENDING]].map((usual) =>
    fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...usual) }, { weight: 1, arbitrary: anyConditions }),
  ),
  anyConditions,
);

const zones = fc.subarray(['zone-a', 'zone-b'], { minLength: 1 });
const nodes = fc.subarray([THIS_NODE, OTHER_NODE], { minLength: 1 });
const named = (names: readonly string[]) => names.map((name) => ({ name }));
const forZones = zones.map((list) => ({ forZones: named(list) }));
const forNodes = nodes.map((list) => ({ forNodes: named(list) }));
const noHints = fc.constant({});

/** Hints count only if all ready endpoints have them: a slice has a way to hand them out. */
const hintsOfSlice = fc.constantFrom<fc.Arbitrary<object>>(
  ...[noHints, noHints, noHints],
  forZones,
  forNodes,
  fc.tuple(forZones, forNodes).map(([one, other]) => ({ ...one, ...other })),
  fc.oneof(noHints, forZones, forNodes),
);

/** Endpoints' own zones: mostly none, or each slice's way to have them. */
const zonesOfSlice = fc.constantFrom<fc.Arbitrary<string | undefined>>(
  ...[fc.constant(undefined), fc.constantFrom('zone-a', 'zone-b'), fc.constantFrom('zone-a', 'zone-b', undefined)],
);

const endpointNames = Object.keys(ENDPOINTS) as EndpointName[];

/** Endpoints of one slice, each at most once. A node's name is right or missing. */
export const endpointsArbitrary = fc
  .record({
    names: fc.oneof(
      { weight: 5, arbitrary: fc.subarray(endpointNames, { maxLength: 4 }) },
      { weight: 1, arbitrary: fc.subarray(endpointNames) },
    ),
    conditions: conditionsOfSlice,
    hints: hintsOfSlice,
    zone: zonesOfSlice,
  })
  .chain(({ names, ...ways }) => fc.tuple(...names.map((name) => endpoint(name, ways))));

interface Ways {
  readonly conditions: fc.Arbitrary<object>;
  readonly hints: fc.Arbitrary<object>;
  readonly zone: fc.Arbitrary<string | undefined>;
}

function endpoint(name: EndpointName, ways: Ways) {
  const nodeName = ENDPOINTS[name].place === 'remote' ? OTHER_NODE : THIS_NODE;
  return fc
    .record({ ...ways, isPlaced: fc.nat(5).map((draw) => draw > 0) })
    .map(({ conditions, hints, zone, isPlaced }) => ({
      name,
      fields: {
        conditions,
        ...(isPlaced && { nodeName }),
        ...(zone !== undefined && { zone }),
        ...(Object.keys(hints).length > 0 && { hints }),
      },
    }));
}
