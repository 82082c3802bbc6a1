import { readdirSync, readFileSync } from 'node:fs';
import process from 'node:process';
import Counter from 'prom-client/lib/counter.js';
import Gauge from 'prom-client/lib/gauge.js';
import type Registry from 'prom-client/lib/registry.js';
import { COMMIT, VERSION } from '../version.ts';

/**
 * Adds the metrics of the process itself, under the names that every Prometheus client uses, and the build. Everything is
 * read at a scrape, without timers and hooks in between.
 */
export function addProcessMetrics(registry: Registry): void {
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(read());
      },
    });
  new Counter({
    name: 'process_cpu_seconds_total',
    help: 'User and system CPU time of the process.',
    registers: [registry],
    collect() {
      const { user, system } = process.cpuUsage();
      this.reset();
      this.inc((user + system) / 1e6);
    },
  });
  gauge('process_start_time_seconds', 'When the process started, in seconds since 1970.', () =>
    Math.round(performance.timeOrigin / 1000),
  );
  gauge('process_resident_memory_bytes', 'Resident memory of the process.', () => process.memoryUsage.rss());
  gauge('process_open_fds', 'Open file descriptors of the process.', openFiles);
  gauge('process_max_fds', 'File descriptors the process may have open.', maxOpenFiles);
  gauge('nodejs_heap_size_total_bytes', 'Heap of the JavaScript engine.', () => process.memoryUsage().heapTotal);
  gauge('nodejs_heap_size_used_bytes', 'Heap of the JavaScript engine in use.', () => process.memoryUsage().heapUsed);
  addBuildInfo(registry);
}

/** kubernetes_build_info, as components of Kubernetes have it. There is no Go version, and no date in our builds. */
function addBuildInfo(registry: Registry): void {
  const [major = '', minor = ''] = VERSION.split('.');
  const labels = {
    major,
    minor,
    git_version: `v${VERSION}`,
    git_commit: COMMIT.replace(/-dirty$/, ''),
    git_tree_state: COMMIT.endsWith('-dirty') ? 'dirty' : COMMIT === 'unknown' ? '' : 'clean',
    build_date: '',
    go_version: '',
    compiler: `node ${process.version}`,
    platform: `linux/${process.arch === 'x64' ? 'amd64' : process.arch}`,
  };
  new Gauge({
    name: 'kubernetes_build_info',
    help: 'Always 1; the labels describe the build.',
    labelNames: Object.keys(labels),
    registers: [registry],
  }).set(labels, 1);
}

function openFiles(): number {
  // One of them is the folder's, open while it is read.
  return readdirSync('/proc/self/fd').length - 1;
}

function maxOpenFiles(): number {
  return Number(/^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1] ?? Number.NaN);
}
