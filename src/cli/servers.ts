import { formatBindAddress } from '../health/bind-address.ts';
import type { ProxyHealth } from '../health/proxy-health.ts';
import { ProxyHealthServer } from '../health/proxy-health-server.ts';
import type { Log } from '../log.ts';
import type { Metrics } from '../metrics/metrics.ts';
import { MetricsServer } from '../metrics/metrics-server.ts';
import type { EventSink } from '../source/event-sink.ts';
import type { Arguments } from './arguments.ts';

/**
 * Starts the health and metrics servers that are configured. They end with the process.
 * @throws ProxyError E_HEALTHZ_ADDRESS, E_METRICS_ADDRESS with --bind-address-hard-fail; else they are tried again
 */
export async function startServers(
  args: Arguments,
  { health, metrics, events, log }: { health: ProxyHealth; metrics: Metrics; events: EventSink; log: Log },
): Promise<void> {
  const { healthzBindAddress, metricsBindAddress, bindAddressHardFail: hardFail } = args;
  if (healthzBindAddress !== undefined) {
    await new ProxyHealthServer({
      address: healthzBindAddress,
      hardFail,
      health,
      log,
      onAnswer: (question, status) => metrics.probed(question, status),
      onListenFailure: (message) =>
        events.event({ type: 'Warning', reason: 'FailedToStartProxierHealthcheck', message, about: 'node' }),
    }).start();
  }
  if (metricsBindAddress !== undefined) {
    await new MetricsServer({ address: metricsBindAddress, hardFail, metrics, config: configz(args), log }).start();
  }
}

/** The configuration in force with the fields of a KubeProxyConfiguration (v1alpha1), for GET /configz. */
function configz(args: Arguments): object {
  const { detectLocal, healthzBindAddress, metricsBindAddress } = args;
  const pattern = 'pattern' in detectLocal ? detectLocal.pattern : '';
  return {
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    mode: 'nftables',
    hostnameOverride: args.nodeName,
    clientConnection: { kubeconfig: args.kubeconfig ?? '' },
    clusterCIDR: [...args.podCidrs.values()].join(),
    nodePortAddresses: args.nodePortAddresses,
    detectLocalMode: detectLocal.mode,
    detectLocal: {
      bridgeInterface: detectLocal.mode === 'BridgeInterface' ? pattern : '',
      interfaceNamePrefix: detectLocal.mode === 'InterfaceNamePrefix' ? pattern.slice(0, -1) : '',
    },
    healthzBindAddress: healthzBindAddress === undefined ? '' : formatBindAddress(healthzBindAddress),
    metricsBindAddress: metricsBindAddress === undefined ? '' : formatBindAddress(metricsBindAddress),
    bindAddressHardFail: args.bindAddressHardFail,
    nftables: { masqueradeAll: args.masqueradeAll },
  };
}
