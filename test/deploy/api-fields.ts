import * as models from '@kubernetes/client-node/dist/gen/models/all.js';

interface Attribute {
  readonly baseName: string;
  readonly type: string;
}

const PRIMITIVES: ReadonlyMap<string, readonly string[]> = new Map([
  ['string', ['string']],
  ['number', ['number']],
  ['boolean', ['boolean']],
  ['IntOrString', ['number', 'string']],
]);

/**
 * What an API server would not take of an object, by the API's types as client-node has them: "spec.foo: unknown field".
 * `type`: "V1DaemonSet", or as the types name those of fields: "Array<string>", "{ [key: string]: string; }".
 */
export function apiProblems(value: unknown, type: string, path = ''): readonly string[] {
  const primitive = PRIMITIVES.get(type);
  if (primitive !== undefined) return primitive.includes(typeof value) ? [] : [`${path}: no ${type}`];
  const [, element] = /^Array<(.*)>$/.exec(type) ?? [];
  if (element !== undefined) {
    if (!Array.isArray(value)) return [`${path}: no list`];
    return value.flatMap((one, i) => apiProblems(one, element, `${path}[${i}]`));
  }
  if (typeof value !== 'object' || value === null) return [`${path}: no object`];
  const [, valueType] = /^\{ \[key: string\]: (.*); \}$/.exec(type) ?? [];
  const attributes = valueType === undefined ? attributesOf(type) : undefined;
  return Object.entries(value).flatMap(([name, field]) => {
    const fieldType = valueType ?? attributes?.get(name);
    const place = path === '' ? name : `${path}.${name}`;
    return fieldType === undefined ? [`${place}: unknown field`] : apiProblems(field, fieldType, place);
  });
}

function attributesOf(type: string): ReadonlyMap<string, string> {
  const model: unknown = Reflect.get(models, type);
  if (typeof model !== 'function') throw new Error(`client-node has no type ${type}`);
  const attributes: readonly Attribute[] = Reflect.get(model, 'attributeTypeMap');
  return new Map(attributes.map(({ baseName, type: fieldType }) => [baseName, fieldType]));
}
