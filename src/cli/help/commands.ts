import type { ErrorCode } from '../../errors.ts';
import { FLAG_SECTIONS } from './flags.ts';

/** A way to call a command, and what it does then. */
export interface Usage {
  /** After "kube-proxy-nft ". */
  readonly line: string;
  readonly text: string;
}

/** What people are told about a command: by --help, `help COMMAND`, the manual page, and completion. */
export interface CommandHelp {
  readonly name: string;
  /** Other names that `help` knows it by; flags that are this command among them. */
  readonly aliases?: readonly string[];
  readonly usages: readonly Usage[];
  readonly paragraphs: readonly string[];
  /** Names of the flags that count for it, beside --help. */
  readonly flags: readonly string[];
  /** For a shell. */
  readonly examples: readonly { readonly command: string; readonly text: string }[];
  /** What it can end with, beside E_USAGE and E_INTERNAL. */
  readonly errors: readonly ErrorCode[];
  /** Of commands that are a word and no flag: what comes after it. */
  readonly operands?: 'none' | 'configuration' | 'topic' | readonly string[];
}

/** What completion scripts are made for. */
export const SHELLS = ['bash', 'zsh', 'fish'] as const;

const NFT_ERRORS = ['E_NFT_MISSING', 'E_NFT_TOO_OLD', 'E_NFT_NOT_PERMITTED', 'E_NFT_FAILED'] as const;
const FILE_ERRORS = [
  'E_CONFIG',
  'E_KUBECONFIG_MISSING',
  'E_KUBECONFIG_MALFORMED',
  'E_MANIFEST_MISSING',
  'E_MANIFEST_MALFORMED',
] as const;
const QUESTION_ERRORS = [...FILE_ERRORS, 'E_API_UNREACHABLE', 'E_API_REFUSED', 'E_NO_DAEMON', 'E_RUN_DIR'] as const;
const SOURCE_FLAGS = ['config', 'kubeconfig', 'master', 'manifests', 'hostname-override', 'cluster-cidr'];

/** All flags but those of other commands. */
const DAEMON_FLAGS = FLAG_SECTIONS.filter(({ title }) => !title.startsWith('Flags that are'))
  .flatMap(({ flags }) => flags.map(({ name }) => name))
  .filter((name) => !['write-config-to', 'output', 'version', 'help'].includes(name));

/** Every command, in the order they are shown in. */
export const COMMANDS: readonly CommandHelp[] = [
  {
    name: 'run',
    usages: [{ line: '--config FILE | --kubeconfig FILE | --manifests PATH [flags]', text: 'run in the foreground' }],
    paragraphs: [
      'Programs the rules for Services and keeps them up to date, as the daemon of a node. The line "ready: all Services are programmed" in its log, on stderr, is the moment after the first fill.',
      'A stop (SIGTERM, SIGINT) or a crash leaves the rules in place. The next start takes them over without a gap, and writes only what differs. There is one daemon in a network namespace, and none beside a kube-proxy that works.',
      'It takes a kernel of 5.13 or newer, nft 1.0.1 or newer, and CAP_NET_ADMIN. With the program conntrack, UDP flows to endpoints that are gone end at once.',
    ],
    flags: DAEMON_FLAGS,
    examples: [
      {
        command: 'kube-proxy-nft --config /var/lib/kube-proxy/config.conf',
        text: "with kube-proxy's own configuration file, as kubeadm mounts it",
      },
      {
        command: 'kube-proxy-nft --kubeconfig /var/lib/kube-proxy/kubeconfig.conf --cluster-cidr 10.244.0.0/16',
        text: "with kube-proxy's credentials, and the network of this cluster's pods",
      },
      {
        command: 'kube-proxy-nft --manifests examples --cluster-cidr 10.32.0.0/16,fd00:32::/64 -v 2',
        text: 'without a cluster, from the files of a folder; the log shows each transaction',
      },
      {
        command: 'kube-proxy-nft --config config.conf --master https://192.0.2.10:6443',
        text: "in a pod: the API server's real address, since the Service kubernetes is what we program",
      },
    ],
    errors: [
      'E_NO_SOURCE',
      ...FILE_ERRORS,
      'E_CONFIG_CHANGED',
      ...NFT_ERRORS,
      'E_ALREADY_RUNNING',
      'E_RUN_DIR',
      'E_KUBE_PROXY_RUNS',
      'E_HEALTHZ_ADDRESS',
      'E_METRICS_ADDRESS',
    ],
  },
  {
    name: 'config',
    aliases: ['config validate', 'write-config-to'],
    usages: [
      {
        line: 'config validate FILE',
        text: 'what is wrong with a configuration, and what of it has no effect here',
      },
      {
        line: '--write-config-to FILE [flags]',
        text: 'write the configuration that the flags or --config lead to, and end',
      },
    ],
    paragraphs: [
      'The configuration is a KubeProxyConfiguration (kubeproxy.config.k8s.io/v1alpha1, YAML or JSON). "validate" names every problem at once, each with file, line and field. A field that nobody knows is a problem here, and only a warning at a start.',
      'What --write-config-to writes has every default in it, and is for its owner only (mode 0600). kube-proxy reads it, too.',
    ],
    flags: ['config', 'write-config-to'],
    examples: [
      {
        command: 'kube-proxy-nft config validate /var/lib/kube-proxy/config.conf',
        text: 'ends with exit code 4 if something is wrong',
      },
      {
        command: 'kube-proxy-nft --cluster-cidr 10.244.0.0/16 --masquerade-all --write-config-to config.conf',
        text: 'flags as a file',
      },
      {
        command: 'kube-proxy-nft --config config.conf --write-config-to complete.conf',
        text: 'a file with every default written out',
      },
    ],
    errors: ['E_CONFIG'],
    operands: 'configuration',
  },
  {
    name: 'init',
    aliases: ['init-only'],
    usages: [
      {
        line: '--init-only [flags]',
        text: 'set sysctls and look for nft, which takes root; a daemon needs no more than CAP_NET_ADMIN afterwards',
      },
    ],
    paragraphs: [
      'Sets the sysctls of conntrack that kube-proxy sets, where the kernel has other numbers, and makes sure that nft works. A daemon does the same at its start, but what it cannot set is a warning; here it is an error.',
    ],
    flags: [
      'config',
      'conntrack-max-per-core',
      'conntrack-min',
      'conntrack-tcp-timeout-established',
      'conntrack-tcp-timeout-close-wait',
      'conntrack-udp-timeout',
      'conntrack-udp-timeout-stream',
      'conntrack-tcp-be-liberal',
      'v',
    ],
    examples: [
      {
        command: 'kube-proxy-nft --init-only --config /var/lib/kube-proxy/config.conf',
        text: 'as the configuration has it; an init container does this as root',
      },
      {
        command: 'kube-proxy-nft --init-only --conntrack-max-per-core 0 --conntrack-udp-timeout 45s',
        text: 'leave the number of flows as it is, and set one timeout more',
      },
    ],
    errors: ['E_SYSCTL', 'E_CONFIG', ...NFT_ERRORS],
  },
  {
    name: 'status',
    usages: [
      {
        line: 'status [--brief] [--wait DURATION] [-o json]',
        text: 'whether the kernel holds what the cluster asks for, and what is wrong if not',
      },
    ],
    paragraphs: [
      'Asks the running daemon, which compares the kernel with what it should hold before it answers. The first line says it all; then come the source, each IP family, Services without endpoints, what is not served as it asks, and what others changed in our table.',
      'Exit codes: 0 in sync; 1 not in sync, or served from a saved state; 3 no daemon runs: then it says what the kernel still serves. --wait waits until the rules are in sync, as a script does after a change.',
    ],
    flags: ['brief', 'wait', 'output', 'run-dir'],
    examples: [
      { command: 'kube-proxy-nft status', text: 'all of it' },
      { command: 'kube-proxy-nft status --brief --wait 30s', text: 'in a script, after a start' },
      { command: 'kube-proxy-nft status -o json', text: 'for programs' },
    ],
    errors: ['E_RUN_DIR', ...NFT_ERRORS],
    operands: 'none',
  },
  {
    name: 'get',
    aliases: ['get services'],
    usages: [
      {
        line: 'get services [[NAMESPACE/]NAME] [-n NAMESPACE] [-o wide|json]',
        text: 'Services as they are programmed: frontends, endpoints, and what becomes of connections to them',
      },
    ],
    paragraphs: [
      'Asks the running daemon. If none runs, and a source is given, it is what would be programmed from there.',
      'ENDPOINTS has how many connections are sent to; under externalTrafficPolicy Local also how many of them are on this node, which clients from outside are sent to. STATE says what becomes of new connections, and why: served, refused or dropped.',
    ],
    flags: ['namespace', 'no-headers', 'output', 'run-dir', ...SOURCE_FLAGS],
    examples: [
      { command: 'kube-proxy-nft get services', text: 'all of them' },
      { command: 'kube-proxy-nft get services default/web -o wide', text: 'one, with its endpoints' },
      { command: 'kube-proxy-nft get services -n shop --no-headers', text: 'one namespace, for a script' },
      { command: 'kube-proxy-nft get svc --manifests examples', text: 'what would be programmed from these files' },
    ],
    errors: QUESTION_ERRORS,
    operands: ['services'],
  },
  {
    name: 'dump',
    usages: [{ line: '--dump [-o nft|json]', text: 'print the ruleset of the running daemon' }],
    paragraphs: [
      'Prints both families, with the name of the Service at each element, as a script that nft -f loads or as libnftables JSON. If no daemon runs, and a source is given, it is what would be programmed from there.',
    ],
    flags: ['output', 'run-dir', ...SOURCE_FLAGS],
    examples: [
      { command: 'kube-proxy-nft --dump', text: 'all of it' },
      { command: 'kube-proxy-nft --dump | grep default/web', text: 'the elements of one Service' },
      { command: 'kube-proxy-nft --dump -o json', text: 'for programs' },
      {
        command: 'kube-proxy-nft --dump --manifests examples --hostname-override node-a',
        text: 'what would be programmed on node-a from these files, where no daemon runs',
      },
    ],
    errors: QUESTION_ERRORS,
  },
  {
    name: 'trace',
    usages: [
      {
        line: '--trace ADDRESS:PORT[/PROTOCOL] [--from ADDRESS[%INTERFACE]]',
        text: 'what becomes of such a connection, and why; from the node itself if no client is given',
      },
    ],
    paragraphs: [
      'Follows a new connection through the rules, without sending a packet: which Service, which rule and element decides, which endpoints with which probability, and whose address they see. If no daemon runs, and a source is given, the rules are those that would be programmed from there.',
    ],
    flags: ['trace', 'from', 'run-dir', ...SOURCE_FLAGS],
    examples: [
      {
        command: 'kube-proxy-nft --trace 10.96.0.10:53/udp --from 10.244.1.5',
        text: "a pod's question to the cluster's DNS",
      },
      {
        command: 'kube-proxy-nft --trace 192.0.2.10:30080 --from 198.51.100.7%eth0',
        text: 'a node port, from outside',
      },
      { command: "kube-proxy-nft --trace '[fd00:96::80]:80'", text: 'from the node itself, IPv6' },
      {
        command: 'kube-proxy-nft --trace 10.96.0.80:80 --manifests examples',
        text: 'by what would be programmed from these files, where no daemon runs',
      },
    ],
    errors: QUESTION_ERRORS,
  },
  {
    name: 'migrate',
    usages: [
      {
        line: 'migrate [--apply | --back]',
        text: 'what kube-proxy has left on this node, and what would be done about it; do it; or go back to kube-proxy',
      },
    ],
    paragraphs: [
      'Alone it changes nothing: it shows kube-proxy as it finds it, at work or not, with its rules in nftables, iptables and IPVS, and says what comes next.',
      '--apply removes what kube-proxy left, once it is stopped and our rules are in force. --back removes our tables, once our daemon is stopped and kube-proxy serves each of our ClusterIPs. Both refuse until then, and can be repeated. Open connections go on, but for those through IPVS.',
    ],
    flags: ['apply', 'back', 'run-dir', 'v'],
    examples: [
      { command: 'kube-proxy-nft migrate', text: 'what there is, and the next step' },
      { command: 'kube-proxy-nft migrate --apply', text: 'with kube-proxy stopped and our daemon ready' },
      { command: 'kube-proxy-nft migrate --back', text: 'with our daemon stopped and kube-proxy at work again' },
    ],
    errors: ['E_KUBE_PROXY_RUNS', 'E_MIGRATION', 'E_ALREADY_RUNNING', ...NFT_ERRORS],
    operands: 'none',
  },
  {
    name: 'cleanup',
    usages: [{ line: '--cleanup', text: 'remove our tables, and nothing else' }],
    paragraphs: [
      'Removes the tables kube-proxy-nft and kube-proxy-nft-b of both families. Services do not work on the node afterwards, until a proxy runs; open connections go on. It refuses while a daemon runs, which would put them back.',
    ],
    flags: ['v'],
    examples: [
      { command: 'kube-proxy-nft --cleanup', text: 'where no daemon runs' },
      {
        command: 'systemctl disable --now kube-proxy-nft && kube-proxy-nft --cleanup',
        text: 'where it is a service: stop it first',
      },
    ],
    errors: ['E_ALREADY_RUNNING', ...NFT_ERRORS],
  },
  {
    name: 'completion',
    usages: [{ line: 'completion bash|zsh|fish', text: 'print a script by which that shell completes this command' }],
    paragraphs: [
      'Completes commands, every flag, and the values of those that take a word, a file or a folder. install.sh puts the scripts in place. bash finds its file there if the package bash-completion is installed.',
    ],
    flags: [],
    examples: [
      { command: 'source <(kube-proxy-nft completion bash)', text: 'for this bash' },
      {
        command: 'kube-proxy-nft completion bash >/usr/local/share/bash-completion/completions/kube-proxy-nft',
        text: 'for every bash',
      },
      {
        command: 'kube-proxy-nft completion zsh >/usr/local/share/zsh/site-functions/_kube-proxy-nft',
        text: 'for every zsh',
      },
      {
        command: 'kube-proxy-nft completion fish >/etc/fish/completions/kube-proxy-nft.fish',
        text: 'for every fish',
      },
    ],
    errors: [],
    operands: SHELLS,
  },
  {
    name: 'man',
    usages: [{ line: 'man', text: 'print the manual page, in the form that man reads' }],
    paragraphs: ['All of this help in one page, with every flag. install.sh puts it in place: man kube-proxy-nft.'],
    flags: [],
    examples: [
      { command: 'kube-proxy-nft man | man -l -', text: 'read it' },
      { command: 'kube-proxy-nft man >/usr/local/share/man/man8/kube-proxy-nft.8', text: 'put it in place' },
    ],
    errors: [],
    operands: 'none',
  },
  {
    name: 'help',
    usages: [{ line: 'help [COMMAND]', text: 'all about a command, with examples; without one, this' }],
    paragraphs: [
      'A command is named as in this list, or as it is typed: "help dump" and "--dump --help" are the same.',
      'Every error is one line on stderr with its code, which stays the same from version to version, and has an exit code of its own.',
    ],
    flags: [],
    examples: [
      { command: 'kube-proxy-nft help', text: 'every command and flag, in short' },
      { command: 'kube-proxy-nft help trace', text: 'all about --trace' },
      { command: 'kube-proxy-nft migrate --help', text: 'all about migrate' },
    ],
    errors: [],
    operands: 'topic',
  },
];

/** The command of that name or alias. */
export function findCommand(name: string): CommandHelp | undefined {
  return COMMANDS.find((command) => command.name === name || command.aliases?.includes(name));
}
