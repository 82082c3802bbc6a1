import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { dumpCommands } from '../../src/ruleset/dump-json.ts';
import { dumpText } from '../../src/ruleset/dump-text.ts';
import { parseElement } from '../../src/ruleset/element.ts';
import { buildProgram } from '../../src/ruleset/program.ts';
import { Ruleset } from '../../src/ruleset/ruleset.ts';
import { document } from '../../src/ruleset/transaction.ts';
import { endpoint, frontend } from '../builders/frontends.ts';

/** default/web with two endpoints, one of them here, and default/db without any. */
function smallRuleset(): Ruleset {
  const ruleset = new Ruleset(buildProgram('ip', 'outside-pod-cidrs'));
  const web = frontend([], { endpoints: [endpoint(15, true), endpoint(7)] });
  const db = frontend([], { address: '10.96.0.9', port: 3306, servicePort: 'default/db' });
  ruleset.setPodCidrs(['10.244.0.0/16']);
  ruleset.setServices(
    new Map([
      ['default/web', [web]],
      ['default/db', [db]],
    ]),
  );
  ruleset.takeTransaction();
  return ruleset;
}

const GOLDEN = `# kube-proxy-nft, a test
# node node-a
table ip kube-proxy-nft {
	# frontend → how to pick an endpoint
	map services {
		typeof ip daddr . meta l4proto . th dport : verdict
		elements = {
			10.96.0.10 . tcp . 80 comment "default/web:http" : goto pick-tcp-2,
		}
	}
	# frontends without endpoints
	map no-endpoints {
		typeof ip daddr . meta l4proto . th dport : verdict
		elements = {
			10.96.0.9 . tcp . 3306 comment "default/db" : goto refuse,
		}
	}
	# ClusterIPs of all Services
	set cluster-ips {
		typeof ip daddr
		elements = {
			10.96.0.9,
			10.96.0.10,
		}
	}
	# endpoints of this node that may reach themselves
	set hairpin {
		typeof ip saddr . ip daddr
		elements = {
			10.0.0.15 . 10.0.0.15,
		}
	}
	# sources that keep their address
	set pod-cidrs {
		typeof ip saddr
		flags interval
		elements = {
			10.244.0.0/16,
		}
	}
	# frontend and slot → endpoint, TCP
	map endpoints-tcp {
		typeof ip daddr . tcp dport . numgen random mod 2 : ip daddr . tcp dport
		elements = {
			10.96.0.10 . 80 . 0 comment "default/web:http" : 10.0.0.15 . 8080,
			10.96.0.10 . 80 . 1 comment "default/web:http" : 10.0.0.7 . 8080,
		}
	}
	# frontend and slot → endpoint, UDP
	map endpoints-udp {
		typeof ip daddr . udp dport . numgen random mod 2 : ip daddr . udp dport
	}
	# frontend and slot → endpoint, SCTP
	map endpoints-sctp {
		typeof ip daddr . sctp dport . numgen random mod 2 : ip daddr . sctp dport
	}
	# names the version of this table
	chain MARKER {
	}
	chain filter-input {
		type filter hook input priority 0; policy accept;
		ct state new jump no-endpoints-check
	}
	chain filter-forward {
		type filter hook forward priority 0; policy accept;
		ct state new jump no-endpoints-check
		ct state new jump cluster-ips-check
	}
	chain filter-output {
		type filter hook output priority 0; policy accept;
		ct state new jump no-endpoints-check
		ct state new jump cluster-ips-check
	}
	chain nat-prerouting {
		type nat hook prerouting priority -100; policy accept;
		jump dispatch
	}
	chain nat-output {
		type nat hook output priority -100; policy accept;
		jump dispatch
	}
	chain nat-postrouting {
		type nat hook postrouting priority 100; policy accept;
		ct status dnat jump source-nat
	}
	chain dispatch {
		# new connections to a Service go on to pick an endpoint
		ip daddr . meta l4proto . th dport vmap @services
	}
	chain no-endpoints-check {
		ip daddr . meta l4proto . th dport vmap @no-endpoints
	}
	chain cluster-ips-check {
		# still addressed to a ClusterIP: a port no Service has
		ip daddr @cluster-ips goto refuse
	}
	chain refuse {
		# TCP by reset, which the kernel does not rate-limit as it does ICMP
		meta l4proto tcp reject with tcp reset
		reject with icmp port-unreachable
	}
	chain source-nat {
		# translated connections whose replies must come back through this node
		ip saddr . ip daddr @hairpin masquerade fully-random
		ct original ip daddr @cluster-ips ip saddr != @pod-cidrs masquerade fully-random
	}
	chain pick-tcp-1 {
		meta l4proto tcp dnat ip to ip daddr . tcp dport . numgen random mod 1 map @endpoints-tcp
	}
	chain pick-tcp-2 {
		meta l4proto tcp dnat ip to ip daddr . tcp dport . numgen random mod 2 map @endpoints-tcp
		meta l4proto tcp dnat ip to ip daddr . tcp dport . numgen random mod 1 map @endpoints-tcp
	}
`;

suite('the dump as text', () => {
  test('is what a person reads: headings, elements in order with their Services, then the chains', () => {
    const ruleset = smallRuleset();
    const text = dumpText(ruleset, 'kube-proxy-nft', ['kube-proxy-nft, a test', 'node node-a']);
    const [beginning] = text.split('\tchain pick-tcp-4 {');
    assert.equal(beginning?.replace(ruleset.program.marker, 'MARKER'), GOLDEN);
    assert.ok(text.endsWith('\t}\n}\n'));
  });

  test('sorts addresses and slots by value', () => {
    const ruleset = new Ruleset(buildProgram('ip', 'never'));
    const services = [100, 20, 3].map((byte) => {
      const twelve = Array.from({ length: 12 }, (_, i) => i + 1);
      return [`default/s${byte}`, [frontend(twelve, { address: `10.96.0.${byte}` })]] as const;
    });
    ruleset.setServices(new Map(services));
    const text = dumpText(ruleset, 'kube-proxy-nft', []);
    const keys = [...text.matchAll(/^\t+(10\.96\.0\.\d+) \. 80 \. (\d+) /gm)].map((match) => `${match[1]} ${match[2]}`);
    const expected = [3, 20, 100].flatMap((byte) => Array.from({ length: 12 }, (_, slot) => `10.96.0.${byte} ${slot}`));
    assert.deepEqual(keys, expected);
  });
});

interface ElementCommand {
  readonly add: { readonly element?: { readonly name: string; readonly elem: readonly unknown[] } };
}

suite('the dump as JSON', () => {
  test('is libnftables JSON that holds every element, sets and maps before rules before elements', () => {
    const ruleset = smallRuleset();
    const { nftables }: { nftables: ElementCommand[] } = JSON.parse(document(dumpCommands(ruleset, 'kube-proxy-nft')));
    const kinds = nftables.map(({ add }) => Object.keys(add)[0] ?? '');
    assert.deepEqual(
      kinds.filter((kind, i) => kind !== kinds[i - 1]),
      // "set" and "map" take turns, in the order of the program.
      ['table', 'map', 'set', 'map', 'chain', 'rule', 'element'],
    );
    const containers = new Map(ruleset.program.containers.map((container) => [container.name, container]));
    const read = nftables.flatMap(({ add: { element } }) => {
      const container = containers.get(element?.name ?? '');
      return container === undefined ? [] : (element?.elem ?? []).map((json) => parseElement(container, json));
    });
    const wanted = ruleset.program.containers.flatMap((container) => [...ruleset.elementsOf(container)]);
    const line = (element: (typeof read)[number]) =>
      `${element?.container.name} ${element?.key} ${element?.value} ${element?.comment}`;
    assert.equal(wanted.length, 8);
    assert.deepEqual(read.map(line).sort(), wanted.map(line).sort());
  });

  test('of both families is one document', () => {
    const rulesets = (['ip', 'ip6'] as const).map((family) => new Ruleset(buildProgram(family, 'always')));
    const { nftables }: { nftables: { add: { table?: { family: string } } }[] } = JSON.parse(
      document(rulesets.flatMap((ruleset) => dumpCommands(ruleset, 'kube-proxy-nft'))),
    );
    assert.deepEqual(
      nftables.flatMap(({ add }) => add.table?.family ?? []),
      ['ip', 'ip6'],
    );
  });
});
