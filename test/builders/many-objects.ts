import type { KubeObject } from '../../src/objects/decode.ts';
import { ready, service, slice } from './objects.ts';

/** So many Services in 10.100.0.0/16, default/web-N, each with a slice of five endpoints on another node. */
export function manyObjects(count: number): readonly KubeObject[] {
  return Array.from({ length: count }, (_, i) => i).flatMap((i): KubeObject[] => {
    const [a, b] = [i >> 8, i & 255];
    const endpoints = Array.from({ length: 5 }, (_, n) => ready(`10.20${n}.${a}.${b}`));
    return [
      service({ name: `web-${i}`, clusterIps: [`10.100.${a}.${b}`] }),
      slice(endpoints, { name: `web-${i}-1`, serviceName: `web-${i}` }),
    ];
  });
}
