import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { DEPLOYMENT, readDeployed, readKustomization } from '../deploy/deployment.ts';
import { type KubernetesObject, objectsIn } from './helm.ts';

type Fields = Record<string, unknown>;

/**
 * What `kustomize build` makes of a folder of deploy/kubernetes, with the fields of a kustomization that ours have:
 * resources, configMapGenerator, images and one patch (readKustomization refuses others).
 */
export function kustomized(folder: string): KubernetesObject[] {
  const { namespace, resources, configMapGenerator = [], patches = [], images = [] } = readKustomization(folder);
  let objects = resources.flatMap((name) => {
    const path = join(folder, name);
    return statSync(join(DEPLOYMENT, path)).isDirectory() ? kustomized(path) : objectsIn(readDeployed(path));
  });
  for (const { name, files, options } of configMapGenerator) {
    const data = Object.fromEntries(files.map((file) => entryOf(folder, file)));
    const full = options?.['disableNameSuffixHash'] === true ? name : `${name}-${nameHash(name, data)}`;
    const labels = options?.['labels'];
    const metadata = { name: full, ...(labels !== undefined && { labels }), namespace: namespace ?? 'default' };
    objects = objects.map((object) => withReference(object, name, full));
    objects.push({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data });
  }
  for (const { patch } of patches) {
    const [change] = objectsIn(patch);
    if (change === undefined) throw new Error(`${folder}: an empty patch`);
    objects = objects.map((object) => (isSame(object, change) ? (merged(object, change) as KubernetesObject) : object));
  }
  for (const { name, newName, newTag } of images) {
    objects = objects.map((object) => withImage(object, name, `${newName}:${newTag}`));
  }
  return objects;
}

const isSame = (a: KubernetesObject, b: KubernetesObject) =>
  a.kind === b.kind && a.metadata.name === b.metadata.name && a.metadata.namespace === b.metadata.namespace;

/** "key=file", or a file whose name is the key. */
function entryOf(folder: string, file: string): readonly [string, string] {
  const [key = '', path = key] = file.split('=');
  return [key, readDeployed(join(folder, path))];
}

/** The hash that kustomize puts behind a ConfigMap's name: of Go's JSON of these three, with the letters of no word. */
export function nameHash(name: string, data: Readonly<Record<string, string>>): string {
  const sorted = Object.fromEntries(Object.entries(data).sort(([a], [b]) => (a < b ? -1 : 1)));
  const json = JSON.stringify({ data: sorted, kind: 'ConfigMap', name });
  const asGo = json.replace(/[<>&\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
  const letters: Readonly<Record<string, string>> = { 0: 'g', 1: 'h', 3: 'k', a: 'm', e: 't' };
  const hex = createHash('sha256').update(asGo).digest('hex').slice(0, 10);
  return hex.replace(/[013ae]/g, (c) => letters[c] ?? c);
}

/** A copy with `change` made wherever there is a record. */
function everywhere(value: unknown, change: (fields: Fields) => Fields): unknown {
  if (Array.isArray(value)) return value.map((item) => everywhere(item, change));
  if (typeof value !== 'object' || value === null) return value;
  const copy = Object.entries(value).map(([key, item]) => [key, everywhere(item, change)]);
  return change(Object.fromEntries(copy));
}

const withImage = (object: KubernetesObject, name: string, image: string) =>
  everywhere(object, (fields) => (fields['image'] === name ? { ...fields, image } : fields)) as KubernetesObject;

function withReference(object: KubernetesObject, name: string, full: string): KubernetesObject {
  return everywhere(object, (fields) => {
    const configMap = fields['configMap'] as Fields | undefined;
    return configMap?.['name'] === name ? { ...fields, configMap: { ...configMap, name: full } } : fields;
  }) as KubernetesObject;
}

/** A strategic merge, as far as ours go: records by their keys, lists of named things by name. */
function merged(base: unknown, change: unknown): unknown {
  if (Array.isArray(base) && Array.isArray(change)) {
    const named = (list: readonly unknown[]) => list.map((item) => [(item as Fields)['name'], item] as const);
    const result = new Map(named(base));
    for (const [name, item] of named(change)) result.set(name, merged(result.get(name), item));
    return [...result.values()];
  }
  const isRecord = (value: unknown): value is Fields =>
    typeof value === 'object' && value !== null && !Array.isArray(value);
  if (!isRecord(base) || !isRecord(change)) return change;
  const result: Fields = { ...base };
  for (const [key, value] of Object.entries(change)) result[key] = merged(base[key], value);
  return result;
}

/** The data of a ConfigMap as what it means: comments and the order of fields are no configuration. */
export function meaning(data: unknown): Fields {
  return Object.fromEntries(Object.entries(data as Fields).map(([key, text]) => [key, load(String(text))]));
}
