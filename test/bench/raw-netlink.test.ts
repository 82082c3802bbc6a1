import assert from 'node:assert/strict';
import { endianness } from 'node:os';
import { suite, test } from 'node:test';
import { rawLines } from '../../scripts/bench/raw-netlink.ts';
import type { Element } from '../../src/ruleset/elements/element.ts';
import type { Field, SetOrMap } from '../../src/ruleset/elements/set-or-map.ts';

// What a field is compared with decides the declaration of a set or map only.
const field = (type: Field['type']): Field => ({ type, of: { meta: { key: 'l4proto' } } });
const [address, protocol, port, slot] = [field('address'), field('protocol'), field('port'), field('slot')];

const setOrMap = (name: string, fields: Pick<SetOrMap, 'key' | 'value' | 'interval'>): SetOrMap => ({
  name,
  comment: '',
  ...fields,
});
const VERDICTS = setOrMap('services', { key: [address, protocol, port], value: 'verdict' });
const ENDPOINTS = setOrMap('endpoints', { key: [address, port, slot], value: [address, port] });
const ADDRESSES = setOrMap('cluster-ips', { key: [address] });

const added = (element: Element) => rawLines({ deletes: [], adds: [element] });

suite('rawLines', () => {
  test('a verdict: each field of the key fills up words of 32 bits, in network byte order', () => {
    const element = {
      setOrMap: VERDICTS,
      key: '10.96.0.12 . tcp . 80',
      value: 'goto pick-tcp-8',
      comment: 'a/b:http',
    };
    assert.deepEqual(added(element), ['add\tservices\t0a60000c0600000000500000\tgoto\tpick-tcp-8\ta/b:http']);
    assert.deepEqual(added({ ...element, value: 'drop', comment: '' }), [
      'add\tservices\t0a60000c0600000000500000\tdrop\t-\t',
    ]);
  });

  test("an endpoint: the slot is in the machine's own byte order", () => {
    const three = endianness() === 'LE' ? '03000000' : '00000003';
    const element = { setOrMap: ENDPOINTS, key: '10.96.0.12 . 80 . 3', value: '10.1.2.3 . 8080', comment: '' };
    assert.deepEqual(added(element), [`add\tendpoints\t0a60000c00500000${three}\tdata\t0a0102031f900000\t`]);
  });

  test('IPv6, a set of one field, and what is deleted comes first', () => {
    const element = { setOrMap: ADDRESSES, key: 'fd00:96::1', value: '', comment: 'a/b' };
    const hex = 'fd000096000000000000000000000001';
    assert.deepEqual(rawLines({ deletes: [element], adds: [element] }), [
      `delete\tcluster-ips\t${hex}`,
      `add\tcluster-ips\t${hex}\tset\t-\ta/b`,
    ]);
  });

  test('what is no element of a plain set or map is refused', () => {
    const networks = setOrMap('pod-cidrs', { key: [{ ...address, type: 'cidr' }], interval: true });
    const element = { setOrMap: networks, key: '10.0.0.0/8', value: '', comment: '' };
    assert.throws(() => added(element), /pod-cidrs/);
    assert.throws(
      () => added({ ...element, setOrMap: ADDRESSES, key: 'chain', chain: { name: 'chain', rules: [] } }),
      /cluster-ips/,
    );
  });
});
