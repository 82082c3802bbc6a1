import type { Family } from '../ip.ts';
import { FAMILY_NAMES } from '../ip.ts';
import type { NftError } from '../nft/run.ts';
import { refusalOf } from '../nft/try-document.ts';
import { isOlder } from '../nft/version.ts';
import type { Program } from '../ruleset/program/program.ts';
import { stagedProgramText } from '../ruleset/program/program-text.ts';
import { type Finding, ok, problem, unknown, warning } from './finding.ts';

const TOPIC = 'kernel';

/** The oldest kernel that has all we use: kube-proxy's nftables mode asks for the same. */
const OLDEST = '5.13';

/** Seconds. */
const TIMEOUT = 10;

/** A table that is never made: what is tried is dropped again. */
const TABLE = 'kube-proxy-nft-check';

/** What a rule of ours takes, by the option of the kernel's configuration; `type`: of the chain it is tried in. */
const PARTS: readonly {
  readonly option: string;
  readonly hook: string;
  readonly rule: string;
  readonly only?: Family;
}[] = [
  {
    option: 'CONFIG_NF_CONNTRACK and CONFIG_NFT_CT',
    hook: 'filter hook input priority 0',
    rule: 'ct state new counter',
  },
  { option: 'CONFIG_NFT_NAT', hook: 'nat hook prerouting priority -100', rule: 'meta l4proto tcp dnat to ADDRESS' },
  { option: 'CONFIG_NFT_MASQ', hook: 'nat hook postrouting priority 100', rule: 'masquerade fully-random' },
  { option: 'CONFIG_NFT_REJECT_IPV4', hook: 'filter hook input priority 0', rule: 'reject', only: 'ip' },
  { option: 'CONFIG_NFT_REJECT_IPV6', hook: 'filter hook input priority 0', rule: 'reject', only: 'ip6' },
  { option: 'CONFIG_NFT_FIB', hook: 'filter hook input priority 0', rule: 'fib daddr type local counter' },
  {
    option: 'CONFIG_NFT_NUMGEN',
    hook: 'filter hook input priority 0',
    rule: 'numgen random mod 2 vmap { 0 : accept, 1 : drop }',
  },
];

/**
 * The kernel's version, and whether it takes our rules: the whole program of each family is worked out by it and dropped
 * again. Where it is refused, so is each part that it is made of, one by one.
 */
export async function checkKernel(release: string, programs: readonly Program[]): Promise<readonly Finding[]> {
  const name = `Linux ${release}`;
  const version = release.replace(/[^0-9.].*$/, '');
  if (isOlder(version, OLDEST)) {
    return [problem(TOPIC, `${name} is older than ${OLDEST}`, `update the kernel to ${OLDEST} or newer`)];
  }
  const taken: string[] = [];
  const findings: Finding[] = [];
  for (const program of programs) {
    const family = FAMILY_NAMES[program.family];
    const refusal = await refusalOf(stagedProgramText(program, TABLE), TIMEOUT);
    const missing = await missingParts(program.family);
    if (refusal?.failure === 'missing') return [unknown(TOPIC, `${name}; without nft its nf_tables cannot be tried`)];
    if (refusal?.failure === 'not-permitted') return [notPermitted(name)];
    if (missing.length === 0 && refusal === undefined) taken.push(family);
    else findings.push(refused(name, family, missing, refusal));
  }
  return taken.length === 0 ? findings : [ok(TOPIC, `${name}; it takes our rules (${taken.join(', ')})`), ...findings];
}

function notPermitted(name: string): Finding {
  return unknown(TOPIC, `${name}; its nf_tables cannot be tried without CAP_NET_ADMIN`, 'run it as root');
}

function refused(name: string, family: string, missing: readonly string[], refusal: NftError | undefined): Finding {
  if (missing.length === 0) {
    const why = refusal?.message ?? '';
    return refusal?.failure === 'unknown-outcome'
      ? unknown(TOPIC, `${name}; whether it takes our ${family} rules is not known: ${why}`)
      : problem(
          TOPIC,
          `${name} does not take our ${family} rules: ${why}`,
          'update the kernel and nftables; if both are new, report it',
        );
  }
  const parts = missing.join(', ');
  return problem(TOPIC, `${name} lacks for ${family}: ${parts}`, 'load or build these modules, or update the kernel');
}

async function missingParts(family: Family): Promise<readonly string[]> {
  const address = family === 'ip' ? '192.0.2.1:80' : '[2001:db8::1]:80';
  const missing: string[] = [];
  for (const { option, hook, rule, only = family } of PARTS) {
    if (only !== family) continue;
    const text = `table ${family} ${TABLE} {\n chain check {\n type ${hook};\n ${rule.replace('ADDRESS', address)}\n }\n}\n`;
    if ((await refusalOf(text, TIMEOUT))?.failure === 'refused') missing.push(option);
  }
  return missing;
}

/** What the daemon's rules go by in conntrack: its sysctls are there once the module is. `isThere`: whether they are. */
export function checkConntrack(isThere: boolean, hasTool: boolean): readonly Finding[] {
  const topic = 'conntrack';
  const findings = isThere
    ? []
    : [
        warning(
          topic,
          'the module nf_conntrack is not loaded, so that its sysctls cannot be set',
          'modprobe nf_conntrack, and name it in /etc/modules-load.d; the systemd unit does so',
        ),
      ];
  const tool = hasTool
    ? []
    : [
        warning(
          topic,
          'the program conntrack is missing: UDP clients of pods that are gone wait until their flow times out',
          'install the package conntrack (conntrack-tools)',
        ),
      ];
  const all = [...findings, ...tool];
  return all.length > 0 ? all : [ok(topic, 'the module nf_conntrack and the program conntrack are there')];
}
