import { createHash } from 'node:crypto';
import type { Family } from '../../src/ip.ts';

/** A TCP or UDP Service port, of one family. */
export interface RuledService {
  readonly name: string;
  readonly protocol: 'tcp' | 'udp';
  readonly address: string;
  readonly port: number;
  readonly endpoints: readonly { readonly address: string; readonly port: number }[];
}

const MARK = '0x4000/0x4000';
/** As kube-proxy names its chains: 16 characters of base32. */
const hash = (text: string) =>
  [...createHash('sha256').update(text).digest().subarray(0, 16)]
    .map((byte) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'[byte & 31])
    .join('');
const host = (family: Family, address: string) => `${address}/${family === 'ip' ? 32 : 128}`;
const place = (address: string, port: number) =>
  address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;

/** An input of iptables-restore with the rules that kube-proxy has in iptables mode. `podCidr`: --cluster-cidr. */
export function iptablesOfKubeProxy(family: Family, services: readonly RuledService[], podCidr: string): string {
  const served = services.filter(({ endpoints }) => endpoints.length > 0);
  const dead = services.filter(({ endpoints }) => endpoints.length === 0);
  const comment = (text: string) => `-m comment --comment "${text}"`;
  const match = ({ address, port, protocol }: RuledService) =>
    `-d ${host(family, address)} -p ${protocol} -m ${protocol} --dport ${port}`;
  const nat = served.flatMap((service) => {
    const { name, protocol, endpoints } = service;
    const key = `default/${name}${protocol}`;
    const chain = `KUBE-SVC-${hash(key)}`;
    const ends = endpoints.map((end) => ({ ...end, chain: `KUBE-SEP-${hash(`${key}${end.address}`)}` }));
    return [
      `-A KUBE-SERVICES ${match(service)} ${comment(`default/${name} cluster IP`)} -j ${chain}`,
      `-A ${chain} ! -s ${podCidr} ${match(service)} ${comment(`default/${name} cluster IP`)} -j KUBE-MARK-MASQ`,
      ...ends.flatMap((end, i) => {
        const left = ends.length - i;
        const draw = left === 1 ? '' : `-m statistic --mode random --probability ${(1 / left).toFixed(10)} `;
        const to = place(end.address, end.port);
        return [
          `-A ${chain} ${comment(`default/${name} -> ${to}`)} ${draw}-j ${end.chain}`,
          `-A ${end.chain} -s ${host(family, end.address)} ${comment(`default/${name}`)} -j KUBE-MARK-MASQ`,
          `-A ${end.chain} -p ${protocol} ${comment(`default/${name}`)} -m ${protocol} -j DNAT --to-destination ${to}`,
        ];
      }),
    ];
  });
  const chains = [...new Set(nat.map((line) => line.split(' ')[1]))].filter((chain) => chain !== 'KUBE-SERVICES');
  const isNew = '-m conntrack --ctstate NEW';
  return `*mangle
:KUBE-PROXY-CANARY - [0:0]
COMMIT
*filter
:KUBE-EXTERNAL-SERVICES - [0:0]
:KUBE-FORWARD - [0:0]
:KUBE-NODEPORTS - [0:0]
:KUBE-PROXY-CANARY - [0:0]
:KUBE-PROXY-FIREWALL - [0:0]
:KUBE-SERVICES - [0:0]
-A INPUT ${isNew} ${comment('kubernetes load balancer firewall')} -j KUBE-PROXY-FIREWALL
-A INPUT ${comment('kubernetes health check service ports')} -j KUBE-NODEPORTS
-A INPUT ${isNew} ${comment('kubernetes externally-visible service portals')} -j KUBE-EXTERNAL-SERVICES
-A FORWARD ${isNew} ${comment('kubernetes load balancer firewall')} -j KUBE-PROXY-FIREWALL
-A FORWARD ${comment('kubernetes forwarding rules')} -j KUBE-FORWARD
-A FORWARD ${isNew} ${comment('kubernetes service portals')} -j KUBE-SERVICES
-A FORWARD ${isNew} ${comment('kubernetes externally-visible service portals')} -j KUBE-EXTERNAL-SERVICES
-A OUTPUT ${isNew} ${comment('kubernetes load balancer firewall')} -j KUBE-PROXY-FIREWALL
-A OUTPUT ${isNew} ${comment('kubernetes service portals')} -j KUBE-SERVICES
-A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP
-A KUBE-FORWARD ${comment('kubernetes forwarding rules')} -m mark --mark ${MARK} -j ACCEPT
-A KUBE-FORWARD ${comment('kubernetes forwarding conntrack rule')} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
${dead.map((service) => `-A KUBE-SERVICES ${match(service)} ${comment(`default/${service.name} has no endpoints`)} -j REJECT\n`).join('')}COMMIT
*nat
:KUBE-MARK-MASQ - [0:0]
:KUBE-NODEPORTS - [0:0]
:KUBE-POSTROUTING - [0:0]
:KUBE-PROXY-CANARY - [0:0]
:KUBE-SERVICES - [0:0]
${chains.map((chain) => `:${chain} - [0:0]\n`).join('')}-A PREROUTING ${comment('kubernetes service portals')} -j KUBE-SERVICES
-A OUTPUT ${comment('kubernetes service portals')} -j KUBE-SERVICES
-A POSTROUTING ${comment('kubernetes postrouting rules')} -j KUBE-POSTROUTING
-A KUBE-MARK-MASQ -j MARK --set-xmark ${MARK}
-A KUBE-POSTROUTING -m mark ! --mark ${MARK} -j RETURN
-A KUBE-POSTROUTING -j MARK --set-xmark 0x4000/0x0
-A KUBE-POSTROUTING ${comment('kubernetes service traffic requiring SNAT')} -j MASQUERADE --random-fully
${nat.join('\n')}
-A KUBE-SERVICES ${comment('kubernetes service nodeports; NOTE: this must be the last rule in this chain')} -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS
COMMIT
`;
}

/** An input of iptables-restore with what kubelet has there, and an administrator: all of it is to stay. */
export function iptablesOfOthers(family: Family): string {
  const network = family === 'ip' ? '203.0.113.0/24' : '2001:db8:113::/64';
  return `*mangle
:KUBE-IPTABLES-HINT - [0:0]
:KUBE-KUBELET-CANARY - [0:0]
COMMIT
*filter
:KUBE-FIREWALL - [0:0]
:KUBE-KUBELET-CANARY - [0:0]
:KUBE-ROUTER-FORWARD - [0:0]
-A INPUT -j KUBE-FIREWALL
-A OUTPUT -j KUBE-FIREWALL
-A FORWARD -j KUBE-ROUTER-FORWARD
-A FORWARD -s ${network} -m comment --comment "not \\"kubernetes\\" -j KUBE-SERVICES" -j DROP
COMMIT
*nat
:KUBE-KUBELET-CANARY - [0:0]
-A POSTROUTING -s ${network} -j MASQUERADE
COMMIT
`;
}

/** An nft document with the table that kube-proxy 1.36 has in nftables mode. */
export function nftOfKubeProxy(family: Family, services: readonly RuledService[], podCidr: string): string {
  const type = family === 'ip' ? 'ipv4_addr' : 'ipv6_addr';
  const served = services.filter(({ endpoints }) => endpoints.length > 0);
  const dead = services.filter(({ endpoints }) => endpoints.length === 0);
  const chainOf = ({ name, protocol }: RuledService) =>
    `service-${hash(name).slice(0, 8)}-default/${name}/${protocol}/`;
  const frontend = ({ address, protocol, port }: RuledService) => `${address} . ${protocol} . ${port}`;
  const elements = (items: readonly string[]) => (items.length === 0 ? '' : `elements = { ${items.join(', ')} }`);
  const check = 'ct state new jump service-endpoints-check; ct state new jump cluster-ips-check;';
  return `table ${family} kube-proxy {
  comment "rules for kube-proxy"
  set cluster-ips { type ${type}; ${elements([...new Set(services.map(({ address }) => address))])} }
  map no-endpoint-services { type ${type} . inet_proto . inet_service : verdict; ${elements(dead.map((service) => `${frontend(service)} : goto reject-chain`))} }
  set hairpin-connections { type ${type} . ${type} . inet_proto . inet_service; }
  ${served
    .map((service) => {
      const map = service.endpoints.map(({ address, port }, i) => `${i} : ${address} . ${port}`).join(', ');
      return `chain ${chainOf(service)} { meta l4proto ${service.protocol} dnat ${family} addr . port to numgen random mod ${service.endpoints.length} map { ${map} }; }`;
    })
    .join('\n  ')}
  map service-ips { type ${type} . inet_proto . inet_service : verdict; ${elements(served.map((service) => `${frontend(service)} : goto ${chainOf(service)}`))} }
  chain reject-chain { reject; }
  chain services {
    ${family} daddr @cluster-ips ${family} saddr != ${podCidr} meta mark set meta mark or 0x4000;
    ${family} daddr . meta l4proto . th dport vmap @service-ips;
  }
  chain masquerading {
    meta mark and 0x4000 != 0 meta mark set meta mark xor 0x4000 masquerade fully-random;
    ct status dnat ${family} saddr . ${family} daddr . meta l4proto . th dport @hairpin-connections masquerade fully-random;
  }
  chain service-endpoints-check { ${family} daddr . meta l4proto . th dport vmap @no-endpoint-services; }
  chain cluster-ips-check { ${family} daddr @cluster-ips reject; }
  chain filter-input { type filter hook input priority 0; ct state new jump service-endpoints-check; }
  chain filter-forward { type filter hook forward priority 0; ${check} }
  chain filter-output { type filter hook output priority 0; ${check} }
  chain nat-prerouting { type nat hook prerouting priority -100; jump services; }
  chain nat-output { type nat hook output priority -100; jump services; }
  chain nat-postrouting { type nat hook postrouting priority 100; jump masquerading; }
}
`;
}
