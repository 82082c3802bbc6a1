import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { suite, type TestContext, test } from 'node:test';
import type { KubeObject } from '../../src/objects/decode.ts';
import { STATE_FILE } from '../../src/saved-state/format.ts';
import { readState } from '../../src/saved-state/read.ts';
import { writeState } from '../../src/saved-state/write.ts';
import { manyObjects } from '../builders/many-objects.ts';
import { ready, service, slice } from '../builders/objects.ts';
import { stateFolder } from './folder.ts';

const HOUR = 3_600_000;
const SAVED_AT = Date.parse('2026-06-01T12:00:00Z');
const HEAD = { node: 'node-a', savedAt: SAVED_AT };
const OBJECTS: readonly KubeObject[] = [
  { kind: 'Node', name: 'node-a', addresses: ['192.0.2.1'], zone: 'z', podCidrs: ['10.244.1.0/24'], eligible: true },
  { kind: 'ServiceCIDR', name: 'kubernetes', cidrs: ['10.96.0.0/12'] },
  service(),
  slice([ready('10.244.2.1'), ready('10.244.2.2')]),
];

/** As it is read a minute after it was saved, if nothing else is said. */
const read = (folder: string, options: { nodeName?: string; now?: number; maxBytes?: number } = {}) => {
  const { nodeName = 'node-a', now = SAVED_AT + 60_000, ...rest } = options;
  return readState(folder, { nodeName, maxAge: 24 * HOUR, now: () => now, ...rest });
};

async function saved(context: TestContext, objects = OBJECTS) {
  const folder = stateFolder(context);
  await writeState(folder, HEAD, objects);
  return { folder, path: join(folder, STATE_FILE) };
}

suite('a saved state', () => {
  test('is read as it was written, in a file for its owner alone', async (context) => {
    const { folder, path } = await saved(context);
    const { objects, savedAt, age, isFromTheFuture, skipped } = await read(folder);
    assert.deepEqual(objects, OBJECTS);
    assert.deepEqual([savedAt, age, isFromTheFuture, skipped], [SAVED_AT, 60_000, false, 0]);
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.deepEqual(readdirSync(folder), [STATE_FILE]);
  });

  test('is replaced as a whole', async (context) => {
    const { folder } = await saved(context);
    await writeState(folder, { ...HEAD, savedAt: SAVED_AT + HOUR }, OBJECTS.slice(0, 1));
    const { objects, savedAt } = await read(folder, { now: SAVED_AT + HOUR });
    assert.deepEqual(objects, OBJECTS.slice(0, 1));
    assert.equal(savedAt, SAVED_AT + HOUR);
  });

  test('that would be too large is not written, and the one of before stays', async (context) => {
    const { folder } = await saved(context);
    await assert.rejects(writeState(folder, HEAD, OBJECTS, { maxBytes: 500 }), /larger than 500 bytes/);
    assert.deepEqual((await read(folder)).objects, OBJECTS);
    assert.deepEqual(readdirSync(folder), [STATE_FILE]);
  });

  test('is not put into a folder that others can write to', async (context) => {
    const { folder } = await saved(context);
    chmodSync(folder, 0o777);
    await assert.rejects(writeState(folder, HEAD, OBJECTS), /users other than its owner can write to it/);
    await assert.rejects(read(folder), /users other than its owner can write to it/);
  });

  test('is not written through a link that somebody put in its way', async (context) => {
    const { folder } = await saved(context);
    const target = join(folder, 'target');
    writeFileSync(target, 'mine');
    symlinkSync(target, join(folder, `${STATE_FILE}.new`));
    await writeState(folder, HEAD, OBJECTS);
    assert.equal(readFileSync(target, 'utf8'), 'mine');
  });
});

suite('a saved state is ignored, and it is said why', () => {
  const cases: readonly [title: string, spoil: (path: string) => void, why: RegExp][] = [
    ['missing', (path) => renameSync(path, `${path}.away`), /there is none yet/],
    ['empty', (path) => writeFileSync(path, ''), /it is empty/],
    ['cut off within a line', (path) => cut(path, 40), /damaged: its last line is cut off/],
    ['cut off after a line', (path) => keepLines(path, 3), /damaged: its end is missing/],
    ['changed in one byte', (path) => replace(path, '10.244.2.1', '10.244.2.7'), /damaged: its checksum is wrong/],
    ['without one object', (path) => dropLine(path, 2), /damaged: its checksum is wrong/],
    ['with more after its end', (path) => append(path, '{}\n'), /damaged: it continues after its end/],
    ['no JSON', (path) => replace(path, '{"kind":"Service"', 'x'), /damaged: a line is not JSON/],
    ['something else', (path) => writeFileSync(path, '{"kind":"List"}\n'), /damaged, or not ours/],
    ['of another format', (path) => replace(path, '"format":1', '"format":2'), /format 2, of another version/],
    ['a symbolic link', link, /it is a symbolic link/],
    ['a folder', (path) => moveAway(path, () => mkdirSync(path)), /not a regular file/],
    ['a FIFO', (path) => moveAway(path, () => execFileSync('mkfifo', [path])), /not a regular file/],
    ['of another user', (path) => chownSync(path, 12_345, 0), /belongs to another user \(uid 12345\)/],
    ['writable for others', (path) => chmodSync(path, 0o620), /users other than its owner can write to it/],
  ];
  for (const [title, spoil, why] of cases) {
    test(title, async (context) => {
      const { folder, path } = await saved(context);
      spoil(path);
      await assert.rejects(read(folder), { name: 'Error', message: why });
    });
  }

  test('of another node', async (context) => {
    const { folder } = await saved(context);
    await assert.rejects(read(folder, { nodeName: 'node-b' }), /it is from node "node-a", but this is node node-b/);
  });

  test('huge', async (context) => {
    const { folder } = await saved(context);
    await assert.rejects(read(folder, { maxBytes: 100 }), /larger than 100 bytes/);
  });

  test('with a line without end', async (context) => {
    const { folder, path } = await saved(context);
    keepLines(path, 1);
    append(path, 'x'.repeat(17 * 2 ** 20));
    await assert.rejects(read(folder), /a line is longer than/);
  });

  test('too old', async (context) => {
    const { folder } = await saved(context);
    await assert.rejects(
      read(folder, { now: SAVED_AT + 24 * HOUR + 1 }),
      /it is from 2026-06-01T12:00:00.000Z, and older than 24 h \(--state-max-age\)/,
    );
    assert.equal((await read(folder, { now: SAVED_AT + 24 * HOUR })).age, 24 * HOUR);
  });
});

suite('a clock that jumps', () => {
  test('back, as on a board without a battery: the age is not known, and the state is good', async (context) => {
    const { folder } = await saved(context);
    const { age, isFromTheFuture } = await read(folder, { now: 0 });
    assert.deepEqual([age, isFromTheFuture], [0, true]);
  });

  test('far ahead: the state is too old', async (context) => {
    const { folder } = await saved(context);
    await assert.rejects(read(folder, { now: Date.parse('2106-01-01') }), /older than 24 h/);
  });

  test('a date that no clock has is none', async (context) => {
    const { folder, path } = await saved(context);
    replace(path, `"savedAt":${SAVED_AT}`, '"savedAt":1e300');
    await assert.rejects(read(folder), /damaged, or not ours/);
  });
});

suite('what a saved state holds is not believed', () => {
  test('an object that is not valid is left out', async (context) => {
    const folder = stateFolder(context);
    const evil = service({ name: 'evil', clusterIps: ['127.0.0.1'] });
    await writeState(folder, HEAD, [...OBJECTS, evil]);
    const { objects, skipped, problem } = await read(folder);
    assert.deepEqual(objects, OBJECTS);
    assert.equal(skipped, 1);
    assert.match(problem ?? '', /^Service default\/evil: spec.clusterIPs\[0\]: must not be a loopback/);
  });

  test('nor is one of a kind that the source does not have', async (context) => {
    const { folder, path } = await saved(context);
    replace(path, '"kind":"ServiceCIDR"', '"kind":"Secret"');
    const lines = readFileSync(path, 'utf8').split('\n').slice(0, -2);
    const sha256 = createHash('sha256')
      .update(`${lines.join('\n')}\n`)
      .digest('hex');
    lines.push(JSON.stringify({ end: { objects: OBJECTS.length, sha256 } }));
    writeFileSync(path, `${lines.join('\n')}\n`);
    const { objects, skipped, problem } = await read(folder);
    assert.deepEqual([objects.length, skipped, problem], [3, 1, 'an object of an unknown kind']);
  });
});

test('10,000 Services are written and read while others have their turn', async (context) => {
  const folder = stateFolder(context);
  const objects = manyObjects(10_000);
  await writeState(folder, HEAD, objects.slice(0, 100));
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const work = await writeState(folder, HEAD, objects);
  delay.disable();
  const longest = (delay.max / 1e6).toFixed(1);
  context.diagnostic(`${Math.round(statSync(join(folder, STATE_FILE)).size / 1000)} kB written`);
  context.diagnostic(`${work.toFixed(0)} ms of work, the longest turn ${longest} ms`);
  let turns = 0;
  const counting = setInterval(() => turns++, 1);
  const { objects: found } = await read(folder).finally(() => clearInterval(counting));
  assert.equal(found.length, objects.length);
  assert.deepEqual(found.at(-1), objects.at(-1));
  assert.ok(turns > 3, `others had ${turns} turns`);
});

test('a process that is killed while it writes leaves the state of before whole', async (context) => {
  const { folder } = await saved(context);
  const program = `
    import { writeState } from ${JSON.stringify(join(import.meta.dirname, '../../src/saved-state/write.ts'))};
    const service = ${JSON.stringify(service())};
    function* objects() {
      for (let i = 0; ; i++) {
        if (i === 5000) process.kill(process.pid, 'SIGKILL');
        yield { ...service, name: 'web-' + i };
      }
    }
    await writeState(${JSON.stringify(folder)}, ${JSON.stringify(HEAD)}, objects());
  `;
  assert.throws(
    () => execFileSync(process.execPath, ['--input-type=module', '-e', program], { stdio: 'pipe' }),
    (error: { signal?: string }) => error.signal === 'SIGKILL',
  );
  const left = join(folder, `${STATE_FILE}.new`);
  assert.ok(existsSync(left) && statSync(left).size > 100_000, 'it was in the middle of it');
  assert.deepEqual((await read(folder)).objects, OBJECTS);
  await writeState(folder, HEAD, OBJECTS.slice(1));
  assert.deepEqual((await read(folder)).objects, OBJECTS.slice(1));
  assert.deepEqual(readdirSync(folder), [STATE_FILE]);
});

function cut(path: string, bytes: number): void {
  writeFileSync(path, readFileSync(path).subarray(0, -bytes));
}

function keepLines(path: string, count: number): void {
  writeFileSync(path, `${readFileSync(path, 'utf8').split('\n').slice(0, count).join('\n')}\n`);
}

function dropLine(path: string, at: number): void {
  writeFileSync(path, readFileSync(path, 'utf8').split('\n').toSpliced(at, 1).join('\n'));
}

function replace(path: string, from: string, to: string): void {
  const text = readFileSync(path, 'utf8');
  assert.ok(text.includes(from), `${from} is in it`);
  writeFileSync(path, text.replace(from, to));
}

function append(path: string, text: string): void {
  writeFileSync(path, text, { flag: 'a' });
}

/** A whole state, but somewhere else. */
function link(path: string): void {
  moveAway(path, () => symlinkSync(`${path}.away`, path));
}

function moveAway(path: string, putInItsPlace: () => void): void {
  renameSync(path, `${path}.away`);
  putInItsPlace();
}
