import type { Family } from '../ip.ts';
import { FAMILY_NAMES } from '../ip.ts';
import type { NftError } from '../nft/run.ts';
import { refusalOf } from '../nft/try-document.ts';
import { isOlder } from '../nft/version.ts';
import type { Program } from '../ruleset/program/program.ts';
import { stagedProgramText } from '../ruleset/program/program-text.ts';
import { type Finding, ok, problem, unknown, warning } from './finding.ts';

const TOPIC = 'kernel';

/** The oldest kernel with everything we use. kube-proxy's nftables mode requires the same one. */
const OLDEST = '5.13';

/** Seconds. */
const TIMEOUT = 10;

/** A table that is never created: each test is only a dry run. */
const TABLE = 'kube-proxy-nft-check';

/** A sample rule for each option of the kernel's configuration that our rules need, and the hook to test it at. */
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
 * Checks the kernel's version, and whether it accepts our rules, in a dry run of the whole program of each family. If the
 * kernel refuses it, each part is tried on its own to find the one that is missing.
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
    if (refusal?.failure === 'missing') return [unknown(TOPIC, `${name}; its nf_tables cannot be tested without nft`)];
    if (refusal?.failure === 'not-permitted') return [notPermitted(name)];
    if (missing.length === 0 && refusal === undefined) taken.push(family);
    else findings.push(refused(name, family, missing, refusal));
  }
  return taken.length === 0
    ? findings
    : [ok(TOPIC, `${name}; it accepts our rules (${taken.join(', ')})`), ...findings];
}

function notPermitted(name: string): Finding {
  return unknown(TOPIC, `${name}; its nf_tables cannot be tested without CAP_NET_ADMIN`, 'run it as root');
}

function refused(name: string, family: string, missing: readonly string[], refusal: NftError | undefined): Finding {
  if (missing.length === 0) {
    const why = refusal?.message ?? '';
    return refusal?.failure === 'unknown-outcome'
      ? unknown(TOPIC, `${name}; whether it accepts our ${family} rules is unknown: ${why}`)
      : problem(
          TOPIC,
          `${name} does not accept our ${family} rules: ${why}`,
          'update the kernel and nftables; if both are new, report it',
        );
  }
  const parts = missing.join(', ');
  return problem(TOPIC, `${name} lacks, for ${family}: ${parts}`, 'load or build these modules, or update the kernel');
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

/** Checks the conntrack module and tool. `isThere`: whether the module's sysctls exist, which means that it is loaded. */
export function checkConntrack(isThere: boolean, hasTool: boolean): readonly Finding[] {
  const topic = 'conntrack';
  const findings = isThere
    ? []
    : [
        warning(
          topic,
          'the module nf_conntrack is not loaded, so its sysctls cannot be set',
          'modprobe nf_conntrack, and list it in /etc/modules-load.d; the systemd unit does this',
        ),
      ];
  const tool = hasTool
    ? []
    : [
        warning(
          topic,
          'the program conntrack is missing: UDP clients of removed pods wait until their flow times out',
          'install the package conntrack (conntrack-tools)',
        ),
      ];
  const all = [...findings, ...tool];
  return all.length > 0 ? all : [ok(topic, 'the module nf_conntrack and the program conntrack are available')];
}
