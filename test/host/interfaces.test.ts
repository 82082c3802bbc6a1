import assert from 'node:assert/strict';
import { test } from 'node:test';
import { interfaceAddresses } from '../../src/host/interfaces.ts';

const lo = { address: '127.0.0.1', netmask: '255.0.0.0', family: 'IPv4', mac: '', internal: true, cidr: null } as const;

test('addresses of interfaces are those of before while they cannot be read', () => {
  const fails = () => {
    throw new Error('uv_interface_addresses returned EMFILE');
  };
  assert.throws(() => interfaceAddresses(fails), /EMFILE/);
  assert.deepEqual(
    interfaceAddresses(() => ({ lo: [lo], gone: undefined })),
    [lo],
  );
  assert.deepEqual(interfaceAddresses(fails), [lo]);
  assert.deepEqual(
    interfaceAddresses(() => ({})),
    [],
  );
});
