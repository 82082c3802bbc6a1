import type { RawObject } from '../../test/doubles/api-server-store.ts';
import * as api from '../../test/peer/api-server.ts';

/** The path of an object in the API. */
export function pathOf({ kind, metadata }: RawObject): string {
  return api.pathOf(kind, metadata);
}

/** Where objects of this kind and namespace are made. */
export function collectionOf(object: RawObject): string {
  const path = pathOf(object);
  return path.slice(0, path.lastIndexOf('/'));
}

/** Without the fields of metadata that a server gives itself. */
export function withoutServerFields(object: RawObject): RawObject {
  const { uid: _uid, creationTimestamp: _created, managedFields: _fields, ...metadata } = object.metadata;
  return { ...object, metadata };
}
