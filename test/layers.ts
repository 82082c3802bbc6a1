/** A layer of src/: a folder, or several files at its top. */
export interface Layer {
  /** Names below src/: one folder, or files. */
  readonly at: readonly string[];
  /** What is in it, for docs/architecture.md. */
  readonly about: string;
  /** True: no I/O, no clock. Dump, tests and benchmarks call it as functions of its arguments. */
  readonly pure?: true;
}

/**
 * The layers of src/. A file imports from its own layer and from those before it in this list. The table in
 * docs/architecture.md is this list.
 */
export const LAYERS: readonly Layer[] = [
  {
    at: ['errors.ts', 'log-line.ts', 'log.ts', 'ip.ts', 'source-place.ts', 'suggest.ts', 'version.ts'],
    about: 'error codes, log lines, IP addresses',
  },
  {
    at: ['host'],
    about:
      'the machine: processes with a time limit and bounded output, `/proc`, listening sockets, interfaces, sysctls, ' +
      'memory, backoff',
  },
  { at: ['http'], about: 'an HTTP server that strangers cannot exhaust, and the addresses it listens on' },
  {
    at: ['objects'],
    about: 'Services, EndpointSlices, Nodes and ServiceCIDRs: checked, and slimmed to the fields in use',
  },
  {
    at: ['service'],
    pure: true,
    about:
      'from objects to frontends (address, protocol, port) and their endpoints; which Service gets a disputed ' +
      'frontend; budgets',
  },
  {
    at: ['ruleset'],
    pure: true,
    about:
      '`elements/`: what a table is made of, as data and text. `program/`: the fixed program, and the chains that come ' +
      'with Services. `model/`: every element the kernel should hold, and the difference of two states',
  },
  { at: ['trace'], pure: true, about: 'follows one packet through the program and its elements' },
  { at: ['audit'], pure: true, about: 'compares what nft lists with the model, and names the differences' },
  {
    at: ['nft'],
    about:
      'runs nft: documents in, listings out, errors sorted by what can be done about them. `json/`: the JSON of nft. ' +
      '`quirks.ts`: how versions of nft differ',
  },
  { at: ['conntrack'], about: 'runs conntrack: ends flows that the rules would not allow any more' },
  { at: ['migration'], about: 'finds and removes the rules of kube-proxy, in all its modes' },
  {
    at: ['sync'],
    about: 'keeps the kernel equal to the model: first fill, transactions, quarantine, watch and repair',
  },
  { at: ['status'], about: 'what the syncers did and what is served, in the words and tables of `status` and `get`' },
  { at: ['heartbeat'], about: 'packets of our own through the rules, which prove that the rules work' },
  { at: ['health'], about: 'what kubelet and load balancers probe' },
  { at: ['page'], about: 'the operator’s page; `page/browser/` is the part that runs in the browser' },
  { at: ['metrics'], about: 'the metrics, and the server that answers them' },
  {
    at: ['source'],
    about: 'where objects come from: two sources with one interface (`source.ts`), `api/` and `manifests/`',
  },
  {
    at: ['saved-state'],
    about: 'the last known state of the cluster on disk, and how it stands in for the API server',
  },
  { at: ['localhost'], about: 'TCP node ports on loopback' },
  { at: ['control'], about: 'the daemon’s unix socket, the lock of the network namespace, systemd’s notifications' },
  { at: ['config'], about: 'flags, the configuration file, and what they lead to (`arguments.ts`)' },
  {
    at: ['daemon'],
    about:
      'puts the daemon together and starts it (`assemble.ts`, `run.ts`); `feed.ts` takes objects in, `followers/` do ' +
      'what follows a transaction, `watches/` look for what is odd, `answers/` answer requests',
  },
  { at: ['check'], about: 'what is wrong with a node: a file for each topic, a remedy for each finding' },
  { at: ['support'], about: 'an archive for a bug report, without secrets' },
  { at: ['cli'], about: 'the commands: a file for each in `commands/`' },
  { at: ['main.ts'], about: 'reads the command line, and maps errors to exit codes' },
];

/** The rows of the table in docs/architecture.md. */
export function layerRows(): readonly string[] {
  return LAYERS.map(({ at, pure, about }) => {
    const names = at.map((name) => `\`src/${name}${name.endsWith('.ts') ? '' : '/'}\``).join(', ');
    return `| ${names} | ${about}${pure ? ' (pure)' : ''} |`;
  });
}
