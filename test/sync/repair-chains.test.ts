import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Nft } from '../../src/nft/nft.ts';
import type { ListedChain } from '../../src/ruleset/elements/chain.ts';
import { printRule } from '../../src/ruleset/elements/statement.ts';
import { buildProgram } from '../../src/ruleset/program/program.ts';
import { repairChains } from '../../src/sync/repair-chains.ts';

const PROGRAM = buildProgram('ip', {});

/** The chains of the program as nft lists them. */
function listed(changes: Readonly<Record<string, Partial<ListedChain>>> = {}): ReadonlyMap<string, ListedChain> {
  return new Map(
    PROGRAM.chains.map(({ name, hook, rules }) => {
      const called = hook && `type ${hook.type} hook ${hook.hook} priority ${hook.priority}; policy accept;`;
      return [name, { hook: called ?? '', rules: rules.map(printRule), ...changes[name] }];
    }),
  );
}

/** Repairs, and returns what was told and which chains the document deletes and gives rules. */
async function repaired(chains: ReadonlyMap<string, ListedChain>) {
  const documents: string[] = [];
  const nft = { apply: async (json: string) => void documents.push(json) } as unknown as Nft;
  const drifts = await repairChains(nft, PROGRAM, 'kube-proxy-nft', chains);
  const commands: readonly {
    readonly delete?: { readonly chain: { readonly name: string } };
    readonly add?: { readonly rule?: { readonly chain: string } };
  }[] = documents.flatMap((text) => JSON.parse(text).nftables);
  return {
    messages: drifts.map(({ message }) => message),
    documents: documents.length,
    deleted: commands.flatMap((command) => command.delete?.chain.name ?? []),
    filled: [...new Set(commands.flatMap((command) => command.add?.rule?.chain ?? []))],
  };
}

suite('chains that differ from the program', () => {
  test('are none where all is as it should be: nothing is sent', async () => {
    assert.deepEqual(await repaired(listed()), { messages: [], documents: 0, deleted: [], filled: [] });
  });

  test('get their rules again, and no other chain does', async () => {
    const { messages, documents, deleted, filled } = await repaired(listed({ dispatch: { rules: [] } }));
    assert.equal(messages.length, 1);
    assert.match(messages[0] ?? '', /^chain dispatch .*: a rule was deleted/);
    assert.deepEqual({ documents, deleted, filled }, { documents: 1, deleted: [], filled: ['dispatch'] });
  });

  test('are made anew where the kernel is to call them from elsewhere', async () => {
    const hook = 'type nat hook prerouting priority 0; policy accept;';
    const { deleted, filled } = await repaired(listed({ 'nat-prerouting': { hook } }));
    assert.deepEqual({ deleted, filled }, { deleted: ['nat-prerouting'], filled: ['nat-prerouting'] });
  });
});
