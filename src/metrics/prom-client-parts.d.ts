// The parts of prom-client we use. Its index also loads what we do not, for 1 to 3 MB of memory more: node:cluster, the
// push gateway's client, OpenTelemetry's API, timers and hooks for the event loop and garbage collection.

declare module 'prom-client/lib/counter.js' {
  import { Counter } from 'prom-client';
  export = Counter;
}

declare module 'prom-client/lib/gauge.js' {
  import { Gauge } from 'prom-client';
  export = Gauge;
}

declare module 'prom-client/lib/histogram.js' {
  import { Histogram } from 'prom-client';
  export = Histogram;
}

declare module 'prom-client/lib/registry.js' {
  import { Registry } from 'prom-client';
  export = Registry;
}
