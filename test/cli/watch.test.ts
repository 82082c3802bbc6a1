import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { suite, type TestContext, test } from 'node:test';
import { loadAll } from 'js-yaml';
import { eventually } from '../builders/eventually.ts';
import { rawService, rawSlice } from '../builders/raw-objects.ts';
import { type Followed, Place } from './program.ts';

/** A place with manifests that change; a file is replaced as a whole. */
class WatchedPlace extends Place {
  write(items: readonly object[]): void {
    writeFileSync(this.file('objects.json'), JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  }

  start() {
    return this.startDaemon(['--manifests', this.file('objects.json'), '--hostname-override', 'node-1']);
  }
}

const WEB = rawService('web', '10.96.0.11');
const DB = rawService('db', '10.96.0.12');

function placeOf(context: TestContext): WatchedPlace {
  const place = new WatchedPlace(context);
  place.write([WEB, rawSlice('web', ['10.0.1.1']), DB]);
  return place;
}

/** Waits until a program has printed something. */
async function shows({ output }: Followed, what: RegExp, where: 'stdout' | 'stderr' = 'stdout'): Promise<void> {
  await eventually(
    () => what.test(output[where]),
    () => `no ${what}:\n${output.stdout}${output.stderr}`,
  );
}

suite('get --watch', () => {
  test('prints all, and then each row that changes, comes or goes', async (context) => {
    const place = placeOf(context);
    await place.start();
    const table = place.follow(['get', 'svc', '-w']);
    const lines = place.follow(['get', 'services', '--watch', '-o', 'json']);
    const documents = place.follow(['get', 'services', '--watch', '-o', 'yaml', '-n', 'default']);
    const names = place.follow(['get', 'services', '--watch', '-o', 'name', '-A']);
    const one = place.follow(['get', 'services', 'default/web', '--watch', '--no-headers']);
    const endpoints = place.follow(['get', 'ep', '-w', '-o', 'wide']);
    const all = [table, lines, documents, names, one, endpoints];
    await Promise.all(all.map((followed) => shows(followed, /10\.96\.0\.11|default\/web/)));

    place.write([WEB, rawSlice('web', ['10.0.1.1', '10.0.1.2']), DB]);
    await shows(table, /web .* 2 +served\n$/);
    place.write([WEB, rawSlice('web', ['10.0.1.2'])]);
    await shows(table, /db .* gone\n/);
    await shows(endpoints, /10\.0\.1\.1:8080\/tcp +gone\n/);
    await shows(documents, /type: DELETED/);
    await shows(names, /(?:default\/db[\s\S]*){2}/);
    await shows(one, / 1 +served\n[\s\S]* 1 +served\n/);
    await shows(lines, /"DELETED"/);
    // Ctrl-C ends it as it ends any program, without a word.
    for (const followed of all) {
      assert.equal(await followed.end('SIGINT'), 'SIGINT');
      assert.equal(followed.output.stderr, '');
    }

    assert.match(
      table.output.stdout,
      /^NAMESPACE +NAME +PORT +TYPE +FRONTEND +ENDPOINTS +STATE\ndefault +db .*\ndefault +web .* 1 +served\n/,
    );
    const frontends = table.output.stdout.split('\n').map((line) => line.indexOf('10.96.0.'));
    assert.equal(new Set(frontends.filter((column) => column > 0)).size, 1, 'columns stay where they are');
    const events = lines.output.stdout.trimEnd().split('\n');
    const told = events.map((line) => JSON.parse(line)).map(({ type, object }) => `${type} ${object.name}`);
    assert.deepEqual(told.slice(0, 2), ['ADDED db', 'ADDED web']);
    assert.ok(told.includes('MODIFIED web') && told.includes('DELETED db'), told.join());
    const read = loadAll(documents.output.stdout) as { type: string; object: { name: string } }[];
    assert.deepEqual([read[0]?.type, read[0]?.object.name], ['ADDED', 'db']);
    assert.equal(names.output.stdout.split('\n')[0], 'default/db');
    assert.doesNotMatch(one.output.stdout, /NAMESPACE|db/);
    assert.match(endpoints.output.stdout, /10\.0\.1\.2:8080\/tcp +10\.96\.0\.11:80\/tcp\n/);
  });

  test('waits for a daemon that is restarted, and tells what is another then', async (context) => {
    const place = placeOf(context);
    const daemon = await place.start();
    const followed = place.follow(['get', 'services', '-w']);
    await shows(followed, /web/);
    await daemon.stop();
    await shows(followed, /no daemon answers in .*; waiting for it\n$/, 'stderr');
    place.write([rawSlice('web', ['10.0.1.1', '10.0.1.2', '10.0.1.3']), WEB, DB]);
    await place.start();
    await shows(followed, /web .* 3 +served\n$/);
    await followed.end('SIGTERM');
    assert.match(followed.output.stderr, /the daemon answers again/);
    // What was there before is not told again, nor that it was away.
    assert.equal(followed.output.stdout.match(/ db /g)?.length, 1);
    assert.doesNotMatch(followed.output.stdout, /gone/);
  });

  test('ends when nobody reads any more', async (context) => {
    const place = placeOf(context);
    await place.start();
    const followed = place.follow(['get', 'services', '-w']);
    await shows(followed, /web/);
    followed.closeReader();
    place.write([WEB, DB]);
    assert.equal(await followed.end(), 0);
    assert.equal(followed.output.stderr, '');
  });

  test('is refused beside a source, and where no daemon runs', async (context) => {
    const place = placeOf(context);
    const beside = await place.run(['get', 'services', '-w', '--manifests', place.file('objects.json')]);
    assert.equal(beside.exitCode, 2);
    assert.match(
      beside.stderr,
      /--watch queries the running daemon: it cannot be given together with --manifests .*E_USAGE/,
    );
    const alone = await place.run(['get', 'endpoints', '-w']);
    assert.equal(alone.exitCode, 31, alone.stderr);
    assert.equal((await place.run(['trace', 'default/web', '-w'])).exitCode, 2);
  });
});

suite('status --watch', () => {
  test('prints an answer when it is another one, also that no daemon runs', async (context) => {
    const place = placeOf(context);
    const before = place.follow(['status', '-w']);
    const brief = place.follow(['status', '--watch', '--brief']);
    const lines = place.follow(['status', '--watch', '-o', 'json']);
    const all = [before, brief, lines];
    await Promise.all(all.map((followed) => shows(followed, /no daemon runs|"running":false/)));
    const daemon = await place.start();
    await shows(before, /\n\n\S+Z node-1: in sync\n {2}daemon /);
    await shows(brief, /^\S+Z \S+: no daemon runs .*\n(?:.*\n)*\S+Z node-1: in sync\n/);
    await shows(lines, /"inSync":true/);
    place.write([WEB, rawSlice('web', ['10.0.1.1']), DB, rawService('new', '10.96.0.13')]);
    await shows(before, /Services +3; 2 without endpoints: default\/db, default\/new\n/);
    await daemon.stop();
    await shows(before, /still serves 3 Services/);
    await shows(brief, /in sync\n\S+Z \S+: no daemon runs .*\n/);
    for (const followed of all) assert.equal(await followed.end('SIGINT'), 'SIGINT');
    for (const line of brief.output.stdout.trimEnd().split('\n')) assert.match(line, /^\d{4}-\d\d-\d\dT[\d:]{8}Z \S/);
    for (const line of lines.output.stdout.trimEnd().split('\n')) JSON.parse(line);
  });

  test('is refused with --wait', async (context) => {
    const { exitCode, stderr } = await new Place(context).run(['status', '-w', '--wait', '1s']);
    assert.equal(exitCode, 2);
    assert.match(stderr, /--wait and --watch cannot be given together/);
  });
});
