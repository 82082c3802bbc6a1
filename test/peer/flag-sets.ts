const DUAL: readonly string[] = ['--cluster-cidr=10.32.0.0/15,fd00:32::/31'];

/** Command lines that both proxies take, and that differ in what they make of connections. */
export const FLAG_SETS: readonly (readonly string[])[] = [
  DUAL,
  [],
  [...DUAL, '--masquerade-all'],
  [...DUAL, '--nodeport-addresses=0.0.0.0/0,::/0'],
  ['--cluster-cidr=10.32.0.0/16', '--nodeport-addresses=198.51.100.0/24,203.0.113.0/27'],
  ['--detect-local-mode=NodeCIDR', '--nodeport-addresses=0.0.0.0/0,2001:db8:3::/64,fd00:32::1/128'],
  ['--detect-local-mode=InterfaceNamePrefix', '--pod-interface-name-prefix=pod'],
  ['--detect-local-mode=BridgeInterface', '--pod-bridge-interface=pods'],
  [...DUAL, '--nodeport-addresses=primary,localhost', '--feature-gates=KubeProxyNFTablesLocalhostNodePorts=true'],
  [...DUAL, '--feature-gates=AllowServiceExternalIPs=false'],
];
