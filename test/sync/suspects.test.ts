import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { modelFor } from '../builders/models.ts';
import { ready, service, slice } from '../builders/objects.ts';
import { StrictKernel } from '../builders/strict-kernel.ts';

const A = '10.96.0.1 tcp 80';
const B = '10.96.0.2 tcp 80';

/** Services a and b of one endpoint each, in force. */
function setUp() {
  const endpointOf = (name: string, last: number) =>
    slice([ready(`10.0.0.${last}`)], { name: `${name}-1`, serviceName: name });
  const made = modelFor([
    service({ name: 'a', clusterIps: ['10.96.0.1'] }),
    service({ name: 'b', clusterIps: ['10.96.0.2'] }),
    endpointOf('a', 1),
    endpointOf('b', 1),
  ]);
  const { model, set } = made;
  const kernel = new StrictKernel();
  const send = () => {
    do kernel.apply(model.nextTransaction());
    while (model.isDirty);
  };
  send();
  model.takeProgrammed();
  /** Gives a Service another endpoint. */
  const change = (name: 'a' | 'b', last: number) => set(endpointOf(name, last));
  /** The last bytes of the endpoints that serve each Service in the kernel. */
  const served = () =>
    ['10.96.0.1', '10.96.0.2'].map((address) => {
      const value = kernel.elements.get(`endpoints-tcp ${address} . 80 . 0`) ?? '';
      return Number(/^10\.0\.0\.(\d+) /.exec(value)?.[1]);
    });
  const pass = () => {
    kernel.apply(model.suspects.transaction());
    model.suspects.passed();
  };
  /** nft refuses the next group. */
  const refuse = (now = 0) => {
    model.suspects.transaction();
    model.ruleset.lastUndo();
    model.suspects.failed(now, 'so it says');
  };
  return { ...made, suspects: model.suspects, send, change, served, pass, refuse };
}

suite('frontends under suspicion', () => {
  test('go apart from all others, and what is accepted is free again', () => {
    const { model, suspects, send, change, served, pass } = setUp();
    suspects.add([A]);
    change('a', 2);
    change('b', 2);
    send();
    assert.deepEqual(served(), [1, 2]);
    assert.deepEqual([suspects.count, model.isPending('default/a'), model.isPending('default/b')], [1, true, true]);
    assert.deepEqual(model.takeProgrammed(), ['default/b']);
    pass();
    assert.deepEqual(served(), [2, 2]);
    assert.equal(suspects.areThere, false);
    assert.deepEqual(model.takeProgrammed(), ['default/a']);
    assert.equal(model.isPending('default/a'), false);
    change('a', 3);
    send();
    assert.deepEqual(served(), [3, 2], 'it goes with others again');
  });

  for (const [culprit, bystander] of [
    ['a', 'b'],
    ['b', 'a'],
  ] as const) {
    test(`are halved, and the one that fails alone is left out (${culprit})`, () => {
      const { model, suspects, send, change, shortfalls, pass, refuse } = setUp();
      suspects.add([A, B]);
      change('a', 2);
      change('b', 2);
      send();
      for (const name of ['a', 'b']) {
        assert.deepEqual([suspects.count, suspects.areThere], [1, true]);
        assert.deepEqual(model.takeProgrammed(), [], 'nothing is known yet');
        if (name === culprit) refuse();
        else pass();
      }
      assert.equal(suspects.areThere, false);
      assert.deepEqual([...model.takeProgrammed()].sort(), ['default/a', 'default/b']);
      assert.equal(shortfalls.count('quarantined'), 1);
      assert.match(shortfalls.of('Service', `default/${culprit}`).join(), /does not accept 1 of .*: so it says\./);
      assert.deepEqual(shortfalls.of('Service', `default/${bystander}`), []);
    });
  }

  test('stay left out until they change, or their time has come', () => {
    const { model, suspects, send, change, served, shortfalls, pass, refuse } = setUp();
    const again = () => {
      model.markDirty('default/a');
      send();
      return suspects.count;
    };
    suspects.add([A]);
    change('a', 2);
    send();
    refuse();
    send();
    assert.deepEqual(served(), [Number.NaN, 1], 'what the kernel had of it is gone');
    assert.equal(again(), 0);
    assert.deepEqual(served(), [Number.NaN, 1]);
    change('a', 3);
    assert.equal(again(), 1, 'it has changed');
    refuse();
    assert.equal(again(), 0);
    model.advance(60_000);
    assert.equal(again(), 1, 'its time has come');
    assert.equal(shortfalls.count('quarantined'), 1);
    pass();
    assert.deepEqual(served(), [3, 1]);
    assert.equal(shortfalls.count('quarantined'), 0);
  });

  test('that nobody wants any more are forgotten', () => {
    const { model, suspects, send, change, remove, shortfalls, refuse } = setUp();
    suspects.add([A]);
    change('a', 2);
    send();
    refuse();
    remove('Service', 'default/a');
    send();
    assert.equal(shortfalls.count('quarantined'), 0);
    model.takeProgrammed();
    assert.equal(model.isPending('default/a'), false);
  });

  test('that nobody has any more, since what failed was their removal, are reported for no Service', () => {
    const { model, suspects, send, remove, pass } = setUp();
    remove('Service', 'default/a');
    send();
    model.takeProgrammed();
    suspects.add([A]);
    pass();
    assert.deepEqual(model.takeProgrammed(), []);
  });

  test('do not delay a new table any more once nft has died over a group, until another group is accepted', () => {
    const { suspects, pass } = setUp();
    assert.equal(suspects.mayDelay, false);
    suspects.add([A, B]);
    assert.equal(suspects.mayDelay, true);
    suspects.endedNft();
    assert.equal(suspects.mayDelay, false);
    pass();
    assert.deepEqual([suspects.count, suspects.mayDelay], [1, true]);
    suspects.endedNft();
    pass();
    suspects.add([A]);
    assert.equal(suspects.mayDelay, true, 'others do not suffer from it');
  });

  for (const [what, error, size, expected] of [
    ['took nft too long alone', { message: 'killed', isTooSlow: true }, 101, 'killed'],
    ['was killed for another reason', { message: 'killed', isTooSlow: false }, 101, undefined],
    ['is so small that it cannot be the reason', { message: 'killed', isTooSlow: true }, 100, undefined],
  ] as const) {
    test(`one that ${what} is ${expected === undefined ? '' : 'not '}sent again`, () => {
      const { suspects } = setUp();
      suspects.add([A], error, size);
      assert.equal(suspects.slowAlone, expected);
      assert.equal(suspects.mayDelay, expected === undefined);
    });
  }

  test('that took nft too long together are sent again, each alone', () => {
    const { suspects } = setUp();
    suspects.add([A, B], { message: 'killed', isTooSlow: true }, 1000);
    assert.deepEqual([suspects.count, suspects.slowAlone], [1, undefined]);
  });

  test('are told apart again after the kernel was read', () => {
    const { model, suspects, send, change, shortfalls, refuse } = setUp();
    suspects.add([A]);
    change('a', 2);
    send();
    refuse();
    suspects.add([B]);
    model.restart([]);
    assert.equal(shortfalls.count('quarantined'), 1);
    const names: string[] = [];
    do names.push(...model.nextTransaction().adds.map(({ comment }) => comment));
    while (model.isBehind);
    assert.ok(!names.some((comment) => comment.includes('/')), `${names}: neither goes with others`);
    assert.equal(suspects.count, 1);
  });
});
