import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { ProxyError } from '../../../src/errors.ts';
import { hasInClusterEnvironment, loadConnection } from '../../../src/source/api/connection.ts';
import { withDirectory } from './harness.ts';

const VALID = {
  clusters: [{ name: 'c', cluster: { server: 'https://192.0.2.1:6443/' } }],
  users: [{ name: 'u', user: { token: 'abc' } }],
  contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
  'current-context': 'x',
};

const IN_CLUSTER = { KUBERNETES_SERVICE_HOST: '10.96.0.1', KUBERNETES_SERVICE_PORT: '443' };

describe('kubeconfigs that cannot be used', () => {
  const bad: Readonly<Record<string, [content: object | string, message: RegExp]>> = {
    'no YAML': ['clusters: [', /within a flow collection \(1:12\); correct it/],
    'an empty file': ['', /the input is empty/],
    'an entry that is null': [{ ...VALID, users: [null] }, /it has no clusters, users and contexts/],
    'no current-context': [{ ...VALID, 'current-context': undefined }, /current-context is missing/],
    'an unknown context': [{ ...VALID, 'current-context': 'y' }, /current-context "y" is not among the contexts/],
    'an unknown cluster': [{ ...VALID, clusters: [] }, /names the cluster "c", which is missing/],
    'an unknown user': [{ ...VALID, users: [] }, /names the user "u", which is missing/],
    'a cluster without server': [
      { ...VALID, clusters: [{ name: 'c', cluster: {} }] },
      /clusters\[0\]\.cluster\.server is missing/,
    ],
    'a server that is no URL': [
      { ...VALID, clusters: [{ name: 'c', cluster: { server: '192.0.2.1:6443' } }] },
      /server 192\.0\.2\.1:6443: it must be a URL/,
    ],
    'a server without TLS': [
      { ...VALID, clusters: [{ name: 'c', cluster: { server: 'http://192.0.2.1:8080' } }] },
      /http is not encrypted; use https, or allow it with insecure-skip-tls-verify/,
    ],
    'an authority that is not there': [
      { ...VALID, clusters: [{ name: 'c', cluster: { server: 'https://a', 'certificate-authority': 'no.crt' } }] },
      /it names .*no\.crt, which cannot be read \(ENOENT\)/,
    ],
    'a token file that is not there': [
      { ...VALID, users: [{ name: 'u', user: { tokenFile: '/none/token' } }] },
      /\/none\/token.*ENOENT/,
    ],
    'an empty token file': [
      { ...VALID, users: [{ name: 'u', user: { tokenFile: '/dev/null' } }] },
      /\/dev\/null contains no bearer token/,
    ],
    'an exec plugin without command': [{ ...VALID, users: [{ name: 'u', user: { exec: {} } }] }, /exec plugin/],
  };
  for (const [what, [content, message]] of Object.entries(bad)) {
    test(`${what}: one line that names the file and what is wrong`, (t) => {
      const kubeconfig = join(withDirectory(t), 'kubeconfig');
      writeFileSync(kubeconfig, typeof content === 'string' ? content : JSON.stringify(content));
      assert.throws(
        () => loadConnection({ kubeconfig, environment: {} }),
        (error) => {
          assert.ok(error instanceof ProxyError, String(error));
          assert.equal(error.code, 'E_KUBECONFIG_MALFORMED');
          assert.ok(error.message.includes(kubeconfig), error.message);
          assert.ok(!error.message.includes('\n'), error.message);
          assert.match(error.message, message);
          return true;
        },
      );
    });
  }

  test('a file that is not there', (t) => {
    const kubeconfig = join(withDirectory(t), 'none');
    assert.throws(() => loadConnection({ kubeconfig, environment: {} }), {
      code: 'E_KUBECONFIG_MISSING',
      message: `kubeconfig ${kubeconfig} cannot be read (ENOENT); check the path given with --kubeconfig`,
    });
  });

  test('nothing given at all, or a --master that is no URL', () => {
    assert.throws(() => loadConnection({ environment: {} }), {
      code: 'E_NO_SOURCE',
      message: /--kubeconfig.*--manifests/,
    });
    assert.throws(() => loadConnection({ environment: {}, master: 'nonsense' }), {
      code: 'E_USAGE',
      message: /--master nonsense/,
    });
    assert.throws(() => loadConnection({ environment: {}, master: 'http://a' }), {
      code: 'E_USAGE',
      message: /not encrypted/,
    });
  });
});

describe('which server', () => {
  const write = (path: string, server: string, cluster = {}) => {
    writeFileSync(path, JSON.stringify({ ...VALID, clusters: [{ name: 'c', cluster: { server, ...cluster } }] }));
    return path;
  };

  test('the one of the kubeconfig, unless --master is given', (t) => {
    const kubeconfig = write(join(withDirectory(t), 'kubeconfig'), 'https://[2001:db8::1]:6443/');
    const connection = loadConnection({ kubeconfig, environment: {} });
    assert.equal(connection.server, 'https://[2001:db8::1]:6443');
    assert.deepEqual([connection.serverHost, connection.serverPort], ['2001:db8::1', 6443]);
    assert.deepEqual(connection.warnings, []);
    const other = loadConnection({ kubeconfig, master: 'https://192.0.2.9/', environment: {} });
    assert.equal(other.server, 'https://192.0.2.9');
    assert.equal(loadConnection({ master: 'https://192.0.2.9/', environment: {} }).server, 'https://192.0.2.9');
    assert.equal(loadConnection({ master: 'https://192.0.2.9/', environment: {} }).serverPort, 443);
    write(kubeconfig, 'http://192.0.2.9', { 'insecure-skip-tls-verify': true });
    assert.equal(loadConnection({ kubeconfig, environment: {} }).serverPort, 80);
  });

  test('is named without its user and password, also where it is no URL', (t) => {
    const path = join(withDirectory(t), 'kubeconfig');
    const kubeconfig = write(path, 'https://admin:geheim@192.0.2.1:6443', { 'insecure-skip-tls-verify': true });
    const connection = loadConnection({ kubeconfig, environment: {} });
    assert.equal(connection.server, 'https://…@192.0.2.1:6443');
    assert.equal(connection.serverHost, '192.0.2.1');
    assert.match(connection.warnings.join(), /the certificate of https:\/\/…@192\.0\.2\.1:6443 is not checked/);
    for (const server of [
      'https://admin:ge/heim@a',
      'ftp://admin:geheim@a',
      'admin:geheim@a',
      'http://admin:geheim@a',
    ]) {
      const error = { code: 'E_USAGE', message: /^--master (?:\w+:\/\/)?…@a: / };
      assert.throws(() => loadConnection({ environment: {}, master: server }), error);
      const other = { code: 'E_KUBECONFIG_MALFORMED', message: /: server (?:\w+:\/\/)?…@a: / };
      assert.throws(() => loadConnection({ kubeconfig: write(path, server), environment: {} }), other);
    }
    const inPath = 'https://192.0.2.1/k8s/a@b';
    assert.equal(loadConnection({ master: inPath, environment: {} }).server, inPath);
  });

  test('still logs in with them', async () => {
    const connection = loadConnection({ master: 'https://admin:geheim@192.0.2.1:6443/', environment: {} });
    const { url } = await connection.prepare('/api/v1/services', new AbortController().signal);
    assert.equal(url.href, 'https://admin:geheim@192.0.2.1:6443/api/v1/services');
  });

  test('in a pod without a kubeconfig: the service account, with a warning unless --master gives the real address', (t) => {
    const serviceAccountDirectory = withDirectory(t);
    const pod = { environment: IN_CLUSTER, serviceAccountDirectory };
    assert.throws(() => loadConnection(pod), {
      code: 'E_KUBECONFIG_MISSING',
      message: /ca\.crt cannot be read \(ENOENT\)/,
    });
    writeFileSync(join(serviceAccountDirectory, 'ca.crt'), 'x');
    writeFileSync(join(serviceAccountDirectory, 'token'), 'abc\n');
    const connection = loadConnection(pod);
    assert.equal(connection.server, 'https://10.96.0.1:443');
    assert.equal(connection.serverHost, '10.96.0.1');
    assert.ok(connection.usesServiceAddress);
    assert.match(connection.warnings.join('\n'), /ClusterIP.*itself programs.*--master/);
    const direct = loadConnection({ ...pod, master: 'https://192.0.2.9:6443' });
    assert.equal(direct.server, 'https://192.0.2.9:6443');
    assert.deepEqual(direct.warnings, []);
    const six = { ...IN_CLUSTER, KUBERNETES_SERVICE_HOST: 'fd00::1' };
    assert.equal(loadConnection({ ...pod, environment: six }).server, 'https://[fd00::1]:443');
  });

  test('a kubeconfig that names the Service "kubernetes" warns as well; real addresses do not', (t) => {
    const kubeconfig = join(withDirectory(t), 'kubeconfig');
    for (const [server, expected] of [
      ['https://kubernetes.default.svc', true],
      ['https://kubernetes.default.svc.cluster.local:443', true],
      ['https://10.96.0.1', true],
      ['https://kubernetes.example.org', false],
      ['https://192.0.2.1:6443', false],
    ] as const) {
      write(kubeconfig, server);
      assert.equal(loadConnection({ kubeconfig, environment: IN_CLUSTER }).usesServiceAddress, expected, server);
    }
  });

  test('TLS that is off, or not checked, is warned of', (t) => {
    const kubeconfig = join(withDirectory(t), 'kubeconfig');
    const insecure = { 'insecure-skip-tls-verify': true };
    write(kubeconfig, 'http://192.0.2.1:8080', insecure);
    assert.match(loadConnection({ kubeconfig, environment: {} }).warnings.join('\n'), /not encrypted/);
    write(kubeconfig, 'https://192.0.2.1', insecure);
    assert.match(loadConnection({ kubeconfig, environment: {} }).warnings.join('\n'), /certificate .* is not checked/);
  });

  test('in-cluster needs both variables', () => {
    assert.ok(hasInClusterEnvironment(IN_CLUSTER));
    assert.ok(!hasInClusterEnvironment({ KUBERNETES_SERVICE_HOST: '10.96.0.1' }));
    assert.ok(!hasInClusterEnvironment({ ...IN_CLUSTER, KUBERNETES_SERVICE_PORT: '' }));
  });
});

describe('files that change', () => {
  test('a kubeconfig broken later is not taken, and said; the next good one is', async (t) => {
    const directory = withDirectory(t);
    const kubeconfig = join(directory, 'kubeconfig');
    writeFileSync(kubeconfig, JSON.stringify(VALID));
    const connection = loadConnection({ kubeconfig, environment: {} });
    t.after(() => connection.close());
    const authorization = async () => {
      const { options } = await connection.prepare('/', new AbortController().signal);
      return Object.entries(options.headers ?? {}).find(([name]) => name === 'Authorization')?.[1];
    };
    assert.equal(await authorization(), 'Bearer abc');
    writeFileSync(kubeconfig, 'clusters: [');
    assert.equal(await authorization(), 'Bearer abc');
    assert.match(connection.reloadProblem ?? '', /\(1:12\);.*continuing with what was read before/);
    rmSync(kubeconfig);
    assert.equal(await authorization(), 'Bearer abc');
    assert.match(connection.reloadProblem ?? '', /ENOENT/);
    writeFileSync(kubeconfig, JSON.stringify({ ...VALID, users: [{ name: 'u', user: { token: 'def' } }] }));
    assert.equal(await authorization(), 'Bearer def');
    assert.equal(connection.reloadProblem, undefined);
  });

  test('paths in a kubeconfig are relative to it, and data comes before files', async (t) => {
    const directory = withDirectory(t);
    const kubeconfig = join(directory, 'kubeconfig');
    mkdirSync(join(directory, 'pki'));
    writeFileSync(join(directory, 'pki', 'ca.crt'), 'from the file');
    writeFileSync(join(directory, 'token'), ' from-token-file\n');
    const cluster = { server: 'https://a', 'certificate-authority': 'pki/ca.crt' };
    const config = {
      ...VALID,
      clusters: [{ name: 'c', cluster }],
      users: [{ name: 'u', user: { token: 'abc', tokenFile: 'token' } }],
    };
    const options = async () => {
      const connection = loadConnection({ kubeconfig, environment: {} });
      t.after(() => connection.close());
      return (await connection.prepare('/', new AbortController().signal)).options;
    };
    writeFileSync(kubeconfig, JSON.stringify(config));
    const { ca, headers } = await options();
    assert.equal(String(ca), 'from the file');
    assert.ok(JSON.stringify(headers).includes('Bearer from-token-file"'));
    Object.assign(cluster, { 'certificate-authority-data': Buffer.from('from the data').toString('base64') });
    writeFileSync(kubeconfig, JSON.stringify(config));
    assert.equal(String((await options()).ca), 'from the data');
  });

  test('an exec plugin: run once for several requests, in its own folder, told of ExecCredential; refused: run again', async (t) => {
    const directory = withDirectory(t);
    const kubeconfig = join(directory, 'kubeconfig');
    const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: './plugin.sh' };
    writeFileSync(kubeconfig, JSON.stringify({ ...VALID, users: [{ name: 'u', user: { exec } }] }));
    const plugin = join(directory, 'plugin.sh');
    const script = (body: string) => {
      writeFileSync(plugin, `#!/bin/sh\n${body}\n`);
      chmodSync(plugin, 0o755);
    };
    script(
      `echo run >>${directory}/runs; case "$KUBERNETES_EXEC_INFO" in *ExecCredential*) ;; *) exit 1;; esac\n` +
        `echo '{"kind":"ExecCredential","status":{"token":"run-'$(wc -l <${directory}/runs)'"}}'`,
    );
    const connection = loadConnection({ kubeconfig, environment: {} });
    t.after(() => connection.close());
    const authorization = async () => {
      const { options } = await connection.prepare('/', new AbortController().signal);
      return JSON.stringify(options.headers).match(/Bearer ([^"]*)/)?.[1];
    };
    assert.deepEqual(await Promise.all([authorization(), authorization(), authorization()]), [
      'run-1',
      'run-1',
      'run-1',
    ]);
    connection.dropCredentials();
    assert.equal(await authorization(), 'run-2');
    script('echo "no ticket" >&2; exit 3');
    connection.dropCredentials();
    await assert.rejects(authorization(), {
      code: 'E_API_REFUSED',
      message: /exec plugin .*plugin\.sh failed: no ticket/,
    });
  });
});
