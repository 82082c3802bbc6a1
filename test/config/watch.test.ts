import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { parseConfiguration } from '../../src/config/read.ts';
import { whenConfigurationChanges } from '../../src/config/watch.ts';
import { eventually } from '../builders/eventually.ts';
import { recordingLog } from '../builders/recording-log.ts';
import { KUBEADM } from './kubeadm.ts';

/** Watches a file from kubeadm's configuration on; `changed` becomes true when it has another one. */
function watched(context: TestContext, prepare: (folder: string) => string) {
  const folder = mkdtempSync(join(tmpdir(), 'kpn-config-'));
  const stop = new AbortController();
  const path = prepare(folder);
  const { log, lines } = recordingLog();
  const { given } = parseConfiguration(KUBEADM, path);
  const state = { changed: false };
  const watching = whenConfigurationChanges(path, given, log, stop.signal).then(() => {
    state.changed = !stop.signal.aborted;
  });
  context.after(async () => {
    stop.abort();
    await watching;
    rmSync(folder, { recursive: true });
  });
  return { folder, path, lines, state };
}

function plainFile(folder: string, text = KUBEADM): string {
  const path = join(folder, 'config.conf');
  writeFileSync(path, text);
  return path;
}

/** As kubelet mounts a ConfigMap: config.conf → ..data/config.conf, ..data → a folder of that version. */
function mountedFile(folder: string): string {
  mount(folder, 'v1', KUBEADM);
  symlinkSync('..data/config.conf', join(folder, 'config.conf'));
  return join(folder, 'config.conf');
}

function mount(folder: string, version: string, text: string): void {
  mkdirSync(join(folder, version));
  writeFileSync(join(folder, version, 'config.conf'), text);
  symlinkSync(version, join(folder, '..data_tmp'));
  renameSync(join(folder, '..data_tmp'), join(folder, '..data'));
}

const API_VERSION = 'apiVersion: kubeproxy.config.k8s.io/v1alpha1\n';
const CHANGED = KUBEADM.replace('10.244.0.0/16', '10.245.0.0/16');

suite('a change of the configuration file', () => {
  test('is noticed', async (context) => {
    const { path, state, lines } = watched(context, (folder) => plainFile(folder));
    writeFileSync(path, CHANGED);
    await eventually(
      () => state.changed,
      () => lines.join(),
    );
    assert.deepEqual(lines, []);
  });

  test('is noticed where the file is replaced', async (context) => {
    const { path, state, lines } = watched(context, (folder) => plainFile(folder));
    writeFileSync(`${path}.new`, CHANGED);
    renameSync(`${path}.new`, path);
    await eventually(
      () => state.changed,
      () => lines.join(),
    );
  });

  test('is noticed in a mounted ConfigMap', async (context) => {
    const { folder, state, lines } = watched(context, mountedFile);
    mount(folder, 'v2', CHANGED);
    await eventually(
      () => state.changed,
      () => lines.join(),
    );
  });

  test('to something invalid is said once, and the next valid one counts', async (context) => {
    const { path, state, lines } = watched(context, (folder) => plainFile(folder));
    writeFileSync(path, CHANGED.replace('mode: ""', 'mode: fast'));
    await eventually(
      () => lines.length > 0,
      () => 'no line',
    );
    writeFileSync(`${path}.other`, 'wakes the watch up');
    assert.equal(state.changed, false);
    writeFileSync(path, CHANGED);
    await eventually(
      () => state.changed,
      () => lines.join(),
    );
    assert.equal(lines.length, 1);
    assert.match(
      lines[0] ?? '',
      /^E the configuration that was read at the start stays in force: .*config\.conf:52: mode: "fast": must be one of /,
    );
  });

  test('by which it is gone is said, too', async (context) => {
    const { path, state, lines } = watched(context, (folder) => plainFile(folder));
    rmSync(path);
    await eventually(
      () => lines.length > 0,
      () => 'no line',
    );
    assert.equal(
      lines[0],
      `E the configuration that was read at the start stays in force: configuration ${path} does not exist`,
    );
    assert.equal(state.changed, false);
  });

  test('of comments and order only is none', async (context) => {
    const reordered = KUBEADM.replace(/^apiVersion: .*\n/, '# a comment\n').concat(API_VERSION);
    const { path, state, lines } = watched(context, (folder) => plainFile(folder, reordered));
    rmSync(path);
    await eventually(
      () => lines.length > 0,
      () => 'no line',
    );
    assert.equal(state.changed, false);
  });
});
