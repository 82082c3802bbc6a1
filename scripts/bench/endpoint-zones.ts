/**
 * What the zones of endpoints take of the heap: `node --expose-gc scripts/bench/endpoint-zones.ts`. Slices of 100 endpoints, read
 * as an API server sends them, with zones and without.
 */
import process from 'node:process';
import { decodeObject, type KubeObject } from '../../src/objects/decode.ts';

const SLICES = 2000;
const ENDPOINTS = 100;

function rawSlice(n: number, hasZones: boolean): unknown {
  return {
    metadata: { name: `s-${n}`, namespace: 'default', labels: { 'kubernetes.io/service-name': `s-${n}` } },
    addressType: 'IPv4',
    ports: [{ name: 'http', protocol: 'TCP', port: 8080 }],
    endpoints: Array.from({ length: ENDPOINTS }, (_, i) => ({
      addresses: [`10.${n >> 8}.${n & 255}.${i}`],
      conditions: { ready: true, serving: true, terminating: false },
      nodeName: `node-${(n + i) % 1000}`,
      ...(hasZones && { zone: `zone-${(n + i) % 3}` }),
    })),
  };
}

function heap(): number {
  globalThis.gc?.();
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

function slices(hasZones: boolean): readonly KubeObject[] {
  return Array.from({ length: SLICES }, (_, n) => {
    // As from the wire: strings of their own.
    const { object } = decodeObject('EndpointSlice', JSON.parse(JSON.stringify(rawSlice(n, hasZones))));
    if (object === undefined) throw new Error('a slice cannot be read');
    return object;
  });
}

const kept: (readonly KubeObject[])[] = [];
// The first round is for what is made once.
for (const [i, hasZones] of [false, true, false, true].entries()) {
  const before = heap();
  kept.push(slices(hasZones));
  const each = (heap() - before) / (SLICES * ENDPOINTS);
  if (i > 1)
    process.stdout.write(`${hasZones ? 'with zones' : 'without zones'}: ${each.toFixed(1)} bytes an endpoint\n`);
}
// All of it is there until now.
process.stdout.write(`${kept.length} rounds\n`);
