import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { ProxyError } from '../../../src/errors.ts';
import { parseManifest } from '../../../src/source/manifests/parse.ts';

/** "Kind name" of each object. */
function objectsIn(text: string): string[] {
  return parseManifest(text, 'all.yaml').map(({ kind, raw }) => {
    const { metadata } = raw as { metadata?: { name?: string } };
    return `${kind} ${metadata?.name}`;
  });
}

function complaintAbout(text: string): string {
  try {
    parseManifest(text, 'all.yaml');
  } catch (error) {
    assert.ok(error instanceof ProxyError && error.code === 'E_MANIFEST_MALFORMED');
    return error.message;
  }
  return '(none)';
}

suite('a manifest may be', () => {
  test('one object in YAML', () => {
    assert.deepEqual(objectsIn('kind: Service\nmetadata:\n  name: db\n'), ['Service db']);
  });

  test('one object in JSON', () => {
    assert.deepEqual(objectsIn('{"kind": "Service", "metadata": {"name": "db"}}'), ['Service db']);
  });

  test('several documents, empty ones and comments among them', () => {
    const text =
      '# head\n---\nkind: Service\nmetadata: {name: a}\n---\n---\n# none\n---\nkind: Node\nmetadata: {name: b}\n';
    assert.deepEqual(objectsIn(text), ['Service a', 'Node b']);
  });

  test('a List, as kubectl get prints it', () => {
    const text = `
apiVersion: v1
kind: List
items:
- kind: Service
  metadata: {name: a}
- kind: EndpointSlice
  metadata: {name: a-1}
`;
    assert.deepEqual(objectsIn(text), ['Service a', 'EndpointSlice a-1']);
  });

  test('a ServiceList, whose items need no kind', () => {
    const text = '{"kind": "ServiceList", "items": [{"metadata": {"name": "a"}}, {"metadata": {"name": "b"}}]}';
    assert.deepEqual(objectsIn(text), ['Service a', 'Service b']);
    assert.deepEqual(objectsIn(text.replace('Service', 'EndpointSlice')), ['EndpointSlice a', 'EndpointSlice b']);
  });

  test('an empty list', () => assert.deepEqual(objectsIn('kind: List\nitems: []\n'), []));
  test('empty', () => assert.deepEqual(objectsIn(''), []));

  test('written with aliases and line ends of Windows', () => {
    const text = 'kind: Service\r\nmetadata: &m {name: a}\r\n---\r\nkind: Node\r\nmetadata: {name: b}\r\n';
    assert.deepEqual(objectsIn(text), ['Service a', 'Node b']);
  });
});

suite('a manifest that is none is refused with file and line:', () => {
  const refused: readonly [title: string, text: string, complaint: RegExp][] = [
    [
      'a bracket that is not closed',
      'kind: Service\nmetadata:\n  labels: {a: 1\nspec: {}\n',
      /^all\.yaml, line [34]: /,
    ],
    ['a tab for indentation', 'kind: Service\nmetadata:\n\tname: db\n', /^all\.yaml, line 3: /],
    ['a second document that is broken', 'kind: Service\n---\nkind: Service\n---\na: b: c\n', /^all\.yaml, line 5: /],
    ['JSON that is cut off', '{"kind": "Service",\n"metadata": {"name": "d', /^all\.yaml, line 2: /],
    ['a key that is there twice', 'kind: Service\nkind: Service\n', /^all\.yaml, line 2: /],
    ['a text', 'kind: Service\n---\njust text\n', /^all\.yaml, line 3: must be a Kubernetes object$/],
    ['no kind', '---\nmetadata:\n  name: db\n', /^all\.yaml, line 2: an object without a kind$/],
    [
      'a list in a list',
      'kind: List\nitems:\n- {kind: List, items: []}\n',
      /^all\.yaml, line 1: a List inside another list$/,
    ],
    ['a list that holds itself', '&a\nkind: List\nitems:\n- *a\n', /^all\.yaml, line \d: a List inside another list$/],
    ['a list without items', 'kind: List\n', /^all\.yaml, line 1: a List without items$/],
    [
      'a list item without a kind',
      'kind: List\nitems:\n- metadata: {}\n',
      /^all\.yaml, line 1: an object without a kind$/,
    ],
  ];
  for (const [title, text, complaint] of refused) {
    test(title, () => {
      assert.match(complaintAbout(text), complaint);
      assert.doesNotMatch(complaintAbout(text), /\n/, 'one line');
    });
  }

  test('aliases that grow without end', () => {
    const levels = Array.from(
      { length: 9 },
      (_, i) => `l${i + 1}: &l${i + 1} [${Array(200).fill(`*l${i}`).join(', ')}]`,
    );
    assert.match(complaintAbout(['l0: &l0 x', ...levels].join('\n')), /^all\.yaml, line \d+: .*alias/i);
  });
});
