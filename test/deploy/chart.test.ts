import assert from 'node:assert/strict';
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { load } from 'js-yaml';
import * as v from 'valibot';
import packageJson from '../../package.json' with { type: 'json' };
import { FIELD_ENTRIES } from '../../src/config/fields.ts';
import { DEPLOYMENT } from './deployment.ts';

// What needs no helm; test/helm has the rest.
const CHART = join(DEPLOYMENT, '..', 'helm', 'kube-proxy-nft');
const read = (file: string) => readFileSync(join(CHART, file), 'utf8');

test('the chart has the version of package.json', () => {
  const { version, appVersion } = v.parse(
    v.looseObject({ version: v.string(), appVersion: v.string() }),
    load(read('Chart.yaml')),
  );
  assert.deepEqual([version, appVersion], [packageJson.version, packageJson.version]);
});

test('its schema has every field of the configuration but those that the chart or Windows sets', () => {
  const Properties = v.object({ properties: v.record(v.string(), v.unknown()) });
  const schema = v.parse(
    v.object({ properties: v.object({ config: Properties }) }),
    JSON.parse(read('values.schema.json')),
  );
  const left = ['hostnameOverride', 'winkernel', 'windowsRunAsService'];
  const fields = new Set(
    FIELD_ENTRIES.map(([path]) => path.replace(/\..*$/, '')).filter((name) => !left.includes(name)),
  );
  assert.deepEqual(Object.keys(schema.properties.config.properties).sort(), [...fields].sort());
});

test('its dashboard and alerts are those of deploy/kubernetes, not copies', () => {
  for (const file of readdirSync(join(CHART, 'files'))) {
    assert.equal(readlinkSync(join(CHART, 'files', file)), `../../../kubernetes/monitoring/${file}`);
    assert.ok(statSync(join(CHART, 'files', file)).size > 10_000);
  }
});

test('docs/kubernetes.md has a row for each value and each preset', () => {
  const page = readFileSync(join(DEPLOYMENT, '..', '..', 'docs', 'kubernetes.md'), 'utf8');
  const section = page.slice(page.indexOf('## Helm'), page.indexOf('### Upgrade notes'));
  const named = [...section.matchAll(/^\| (`.*?`) \|/gm)].flatMap(([, cell = '']) => cell.match(/[A-Za-z0-9]+/g) ?? []);
  const values = Object.keys(v.parse(v.record(v.string(), v.unknown()), load(read('values.yaml'))));
  const presets = readdirSync(join(CHART, 'presets')).map((file) => file.replace(/\.yaml$/, ''));
  assert.deepEqual(named.sort(), [...presets, ...values].sort());
});
