import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { secretsOfEnvironment } from '../../src/host/environment-secrets.ts';
import { secretsOfKubeconfig } from '../../src/source/api/kubeconfig-secrets.ts';
import { archiveOf, contents } from '../../src/support/archive.ts';
import { collect, type Part } from '../../src/support/collect.ts';
import { withoutSecrets } from '../../src/support/secrets.ts';
import { tarball } from '../../src/support/tar.ts';
import { runSync } from '../netns/namespaces.ts';

const part = (changes: Partial<Part>): Part => ({
  name: 'a.txt',
  about: 'a',
  limit: 1000,
  time: 5,
  gather: () => 'text\n',
  ...changes,
});

suite('an archive', () => {
  test('is what tar unpacks, whatever the sizes', (context) => {
    const folder = mkdtempSync(join(tmpdir(), 'kpn-tar-'));
    context.after(() => rmSync(folder, { recursive: true }));
    const sizes = [0, 1, 511, 512, 513, 100_000];
    const files = sizes.map((size) => ({ name: `x/f${size}`, content: Buffer.alloc(size, `é${size}`) }));
    writeFileSync(join(folder, 'a.tar.gz'), tarball(files, 1_700_000_000));
    const { stdout, stderr } = runSync(['tar', '-tvzf', join(folder, 'a.tar.gz')]);
    assert.equal(stderr, '');
    assert.match(stdout, /^-rw------- root\/root +0 2023-11-14 \d\d:13 x\/f0$/m);
    runSync(['tar', '-xzf', join(folder, 'a.tar.gz'), '-C', folder]);
    for (const { name, content } of files) assert.ok(content.equals(readFileSync(join(folder, name))), name);
    assert.throws(() => tarball([{ name: 'x'.repeat(101), content: Buffer.alloc(0) }], 0), RangeError);
  });

  test('has a list of what is in it, and of what is not, and why', async () => {
    const { collected } = await collect(
      [part({}), part({ name: 'b.txt', about: 'b', gather: () => Promise.reject(new Error('gone')) })],
      [],
    );
    const list = '       0.0 KiB  a.txt  a\n      left out  b.txt  b: gone\n';
    assert.equal(contents(collected), list);
    assert.ok(archiveOf('x', collected, 0).length > 0);
  });
});

suite('what is collected', () => {
  test('is cut at lines: at the end, or of a journal at the beginning', async () => {
    const gather = () => Array.from({ length: 500 }, (_, i) => `line ${i}\n`).join('');
    const { collected } = await collect([part({ gather }), part({ gather, isTail: true })], []);
    const [head, tail] = collected.map(({ text }) => text);
    assert.match(head ?? '', /^line 0\n[\s\S]*\nline \d+\n\.\.\. \d+ or more bytes are left out here\n$/);
    assert.match(tail ?? '', /^\.\.\. \d+ or more bytes are left out here\nline \d+\n[\s\S]*\nline 499\n$/);
    for (const text of [head, tail]) assert.ok((text?.length ?? 0) < 1100);
  });

  test('does not wait for what does not come', async () => {
    const { collected, isLate } = await collect([part({ time: 0.02, gather: () => new Promise(() => undefined) })], []);
    assert.deepEqual([collected[0]?.leftOut, isLate], ['it was not ready within 0.02 s', true]);
  });

  test('cannot talk to a terminal', async () => {
    const { collected } = await collect([part({ gather: () => 'a\u001b[2J' })], []);
    assert.equal(collected[0]?.text, 'a\\u001b[2J');
  });
});

suite('secrets', () => {
  const SECRET = 'Hunter2hunter2';
  const rows: readonly (readonly [title: string, text: string])[] = [
    ['a bearer', `Authorization: Bearer ${SECRET}`],
    ['a header in JSON', `{"authorization":"Basic ${SECRET}=="}`],
    ['a password', `password=${SECRET} and`],
    ['a password in YAML', `  password: "${SECRET} with spaces ${SECRET}"`],
    ['a token in JSON', `{"token":"${SECRET}\\"${SECRET}"}`],
    ['a variable', `KUBE_API_TOKEN=${SECRET}`],
    ['a flag', `kube-proxy-nft --api-token ${SECRET} --v=2`],
    ['a flag with =', `--client-secret=${SECRET}`],
    ['a URL', `https://admin:${SECRET}@192.0.2.1:6443/x`],
    ['a URL whose password has a slash', `https://admin:${SECRET}/x@192.0.2.1:6443`],
    ['a URL with a user alone', `http://${SECRET}@proxy.example`],
    ['a key', `-----BEGIN RSA PRIVATE KEY-----\n${SECRET}\n-----END RSA PRIVATE KEY-----`],
    ['a key in a string', `"-----BEGIN EC PRIVATE KEY-----\\n${SECRET}\\n-----END EC PRIVATE KEY-----\\n"`],
    ['a key that is cut off', `-----BEGIN PRIVATE KEY-----\n${SECRET}\n`],
    ['a JSON Web Token', `said eyJhbGciOiJSUzI1NiIs.${SECRET}.${SECRET} to me`],
    ['a line of base64', `${'Ab3'.repeat(20)}${SECRET}`],
    ['data of a kubeconfig', `client-key-data: ${SECRET}`],
  ];
  for (const [title, text] of rows) {
    test(`leaves out ${title}`, () => {
      const left = withoutSecrets(text, []);
      assert.ok(!left.includes(SECRET), left);
      assert.match(left, /<left out>/);
    });
  }

  test('leaves out what is known, wherever it stands, and nothing short', () => {
    assert.equal(withoutSecrets('x tok-abc y', ['tok-abc', 'x', '']), 'x <left out> y');
  });

  test('lets stand what a report is about', () => {
    for (const text of [
      '10.96.0.80 . tcp . 80 comment "default/web:http" : goto pick-tcp-2',
      'table ip kube-proxy-nft { chain program-3f5e9a7c1b2d4e6f8a0b1c2d3e4f5a6b7c8d9e0f1a2b3c4d5e6f708192a3b4c5 { } }',
      'tokenFile: /var/run/secrets/kubernetes.io/serviceaccount/token',
      'I1122 22:03:01.123456 7] ready: all Services are programmed services=3',
      'kubeproxy_nft_transactions_total{family="ip"} 7',
      'https://192.0.2.1:6443/api?x=a@b',
    ]) {
      if (text.includes('a@b')) assert.match(withoutSecrets(text, []), /^https:\/\//);
      else assert.equal(withoutSecrets(text, []), text);
    }
  });

  test('does not take long for any text', () => {
    const parts = [
      '://',
      'token',
      'Aa1',
      'aa',
      '-----BEGIN ',
      '--',
      'eyJ',
      'eyJ-',
      'a.b.',
      'Bearer ',
      '"password":"\\',
    ];
    for (const text of parts.map((one) => one.repeat(30_000))) {
      assert.ok(withoutSecrets(text, []).length > 0);
    }
  });

  test('are a kubeconfig’s credentials and the token of a file, and no word that others use', (context) => {
    const folder = mkdtempSync(join(tmpdir(), 'kpn-secrets-'));
    context.after(() => rmSync(folder, { recursive: true }));
    writeFileSync(join(folder, 'token'), 'in-a-file\n');
    const user = {
      token: 'tok',
      username: 'me',
      exec: {
        command: 'aws',
        env: [
          { name: 'AWS_PROFILE', value: 'default' },
          { name: 'AWS_SECRET', value: 'v' },
        ],
      },
      tokenFile: 'token',
    };
    const path = join(folder, 'kubeconfig');
    writeFileSync(path, JSON.stringify({ users: [{ name: 'a', user }, { name: 'b' }] }));
    assert.deepEqual(secretsOfKubeconfig(path), ['tok', 'v', 'in-a-file']);
    writeFileSync(path, '{{{');
    assert.deepEqual(secretsOfKubeconfig(path), []);
    assert.deepEqual(secretsOfKubeconfig(join(folder, 'none')), []);
    assert.deepEqual(
      secretsOfEnvironment({ AWS_SECRET_ACCESS_KEY: 'a', HTTPS_PROXY: 'b', HOME: 'c', KUBE_PROXY_NFT_ARGS: '--v=2' }),
      ['a', 'b'],
    );
  });
});
