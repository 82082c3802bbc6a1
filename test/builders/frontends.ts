import type { Endpoint } from '../../src/service/endpoints.ts';
import type { Frontend } from '../../src/service/frontend.ts';

/** Frontend 10.96.0.10 tcp 80 of default/web:http; `endpoints` are last bytes of 10.0.0.x:8080 on other nodes. */
export function frontend(endpoints: readonly number[], changes: Partial<Frontend> = {}): Frontend {
  return {
    family: 'ip',
    kind: 'cluster-ip',
    policy: 'cluster',
    localEndpoints: [],
    hasUsableEndpoints: (changes.endpoints ?? endpoints).length > 0,
    sourceRanges: [],
    address: '10.96.0.10',
    protocol: 'tcp',
    port: 80,
    servicePort: 'default/web:http',
    endpoints: endpoints.map((lastByte) => endpoint(lastByte)),
    ...changes,
  };
}

/** 10.0.0.x:8080. */
export function endpoint(lastByte: number, maybeLocal = false): Endpoint {
  return { address: `10.0.0.${lastByte}`, port: 8080, maybeLocal };
}
