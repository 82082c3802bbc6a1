import { execFileSync } from 'node:child_process';
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inNamespace, runSync } from '../../test/netns/namespaces.ts';
import { EXECUTABLE, startExecutable } from './executable.ts';
import type { Report } from './report.ts';
import { median } from './statistics.ts';
import type { Workspace } from './workspace.ts';

/** From the start of the executable to "ready" on an empty cluster, next to `--version`; and its size. */
export async function measureExecutableStart(report: Report, workspace: Workspace, rounds: number): Promise<void> {
  const { directory } = workspace;
  const namespace = workspace.namespace('start');
  const manifests = join(directory, 'empty.json');
  writeFileSync(manifests, '{"apiVersion":"v1","kind":"List","items":[]}\n');
  const times: Record<'ready' | 'version', number[]> = { ready: [], version: [] };
  for (let round = 0; round < rounds; round++) {
    const started = performance.now();
    {
      await using executable = startExecutable(namespace, ['--manifests', manifests], directory);
      await executable.ready();
      times.ready.push(performance.now() - started);
    }
    runSync(inNamespace(namespace, ['nft', 'flush', 'ruleset']));
    const called = performance.now();
    execFileSync(EXECUTABLE, ['--version']);
    times.version.push(performance.now() - called);
  }
  report.add('start on an empty cluster', 'empty', median(times.ready), 'ms', median(times.version));
  report.add('size of the executable', '', statSync(EXECUTABLE).size / 1e6, 'MB');
}
