import { setTimeout as sleep } from 'node:timers/promises';
import type { Arguments } from '../config/arguments.ts';
import { configurationDocument } from '../config/configuration.ts';
import type { ProxyHealth } from '../health/proxy-health.ts';
import { ProxyHealthServer } from '../health/proxy-health-server.ts';
import type { Log } from '../log.ts';
import type { Metrics } from '../metrics/metrics.ts';
import { MetricsServer } from '../metrics/metrics-server.ts';
import type { Page } from '../page/page.ts';
import { pageServer } from '../page/page-server.ts';
import type { EventSink } from '../source/event-sink.ts';

/** Milliseconds for which the process waits before it exits, so that the API server gets the Event with the reason. */
const EVENT_PATIENCE = 1000;

interface Served {
  readonly health: ProxyHealth;
  readonly metrics: Metrics;
  readonly events: EventSink;
  /** The operator's page; absent if there is none. */
  readonly page?: Page | undefined;
  readonly log: Log;
}

/**
 * Starts the health and metrics servers that are configured, and the one of --page-address. They end with the process.
 * @throws ProxyError E_HEALTHZ_ADDRESS, E_METRICS_ADDRESS with --bind-address-hard-fail; otherwise they are retried
 */
export async function startServers(args: Arguments, served: Served): Promise<void> {
  try {
    await listen(args, served);
  } catch (error) {
    await Promise.race([served.events.whenSent(), sleep(EVENT_PATIENCE, undefined, { ref: false })]);
    throw error;
  }
}

async function listen(args: Arguments, { health, metrics, events, page, log }: Served): Promise<void> {
  const { healthzBindAddress, metricsBindAddress, bindAddressHardFail: hardFail } = args;
  if (healthzBindAddress !== undefined) {
    await new ProxyHealthServer({
      address: healthzBindAddress,
      hardFail,
      health,
      log,
      onAnswer: (probe, status) => metrics.probed(probe, status),
      onListenFailure: (message) =>
        events.event({ type: 'Warning', reason: 'FailedToStartProxierHealthcheck', message, about: 'node' }),
    }).start();
  }
  if (metricsBindAddress !== undefined) {
    await new MetricsServer({
      address: metricsBindAddress,
      hardFail,
      metrics,
      config: configurationDocument({ ...args.configuration, hostnameOverride: args.nodeName }),
      flags: args.flagValues,
      zpages: args.zpages,
      ...(page && { page: (incoming) => page.answer(incoming, { is: 'loopback' }) }),
      log,
      onListenFailure: (message) =>
        events.event({ type: 'Warning', reason: 'FailedToStartMetricServer', message, about: 'node' }),
    }).start();
  }
  if (args.pageAddress !== undefined && page !== undefined) {
    await pageServer({ address: args.pageAddress, page, nodeName: args.nodeName, log }).start();
  }
}
