import process from 'node:process';
import { ProxyHealth } from '../../src/health/proxy-health.ts';
import { ProxyHealthServer } from '../../src/health/proxy-health-server.ts';
import { ServiceHealthServers } from '../../src/health/service-health.ts';
import { createLog } from '../../src/log.ts';
import { MetricsServer } from '../../src/metrics/metrics-server.ts';

/**
 * A program for the tests: the health server, the metrics server and two healthCheckNodePorts, on all addresses. Its
 * arguments are the four ports. Says so when they listen, and ends with its stdin.
 */
const [health = 0, metrics = 0, ...services] = process.argv.slice(2).map(Number);
const log = createLog(0);
const address = { host: '::', hardFail: true, log };
await new ProxyHealthServer({
  ...address,
  address: { host: '::', port: health },
  health: new ProxyHealth({ isNodeEligible: () => true }),
}).start();
await new MetricsServer({
  ...address,
  address: { host: '::', port: metrics },
  metrics: { render: () => Promise.resolve('a_total 1\n'), contentType: 'text/plain' },
  config: {},
  flags: new Map(),
  zpages: { statusz: false, flagz: false },
}).start();
const servers = new ServiceHealthServers({ isProxyHealthy: () => true, log });
for (const port of services) {
  servers.set(`default/web-${port}`, {
    namespace: 'default',
    name: `web-${port}`,
    port,
    localEndpoints: new Map([['ip', 1]]),
  });
}
await servers.apply(['0.0.0.0']);
process.stdout.write('listening\n');
process.stdin.resume().on('end', () => process.exit());
