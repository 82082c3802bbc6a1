/** The text of --help. */
export const HELP = `kube-proxy-nft: makes the Services of a Kubernetes cluster reachable on this node, with nftables.

Usage:
  kube-proxy-nft --config FILE | --kubeconfig FILE | --manifests PATH [flags]
                                                                run in the foreground
  kube-proxy-nft config validate FILE                           what is wrong with a configuration, and what of it has
                                                                no effect here
  kube-proxy-nft --init-only [flags]                            set sysctls and look for nft, which takes root; a daemon
                                                                needs no more than CAP_NET_ADMIN afterwards
  kube-proxy-nft --dump [-o nft|json]                           print the ruleset of the running daemon
  kube-proxy-nft --trace ADDRESS:PORT[/PROTOCOL] [--from ADDRESS[%INTERFACE]]
                                                                what becomes of such a connection, and why; from the
                                                                node itself if no client is given
  kube-proxy-nft migrate [--apply | --back]                     what kube-proxy has left on this node, and what would be
                                                                done about it; do it; or go back to kube-proxy
  kube-proxy-nft --cleanup                                      remove our tables, and nothing else

Where Services and EndpointSlices come from (in a pod with a service account: that, if none is given):
  --kubeconfig FILE        watch the API server this kubeconfig names
  --master URL             the API server's address, instead of the one in the kubeconfig or the in-cluster one
  --manifests PATH         a file or folder of YAML or JSON, watched for changes; needs no cluster

Configuration:
  --config FILE            a KubeProxyConfiguration, as kubeadm writes it. Of the flags below those of logging and
                           --hostname-override count beside it. When it changes, we end, to be started again
  --write-config-to FILE   write the configuration that the flags or --config lead to, and end

Flags, those of kube-proxy. Those that are not listed are accepted; docs/configuration.md has them all:
  --cluster-cidr CIDRS     the pods' network; for dual-stack one of each family, with a comma. Connections to a
                           ClusterIP from elsewhere get this node's address as source
  --masquerade-all         connections to a ClusterIP from everywhere get this node's address as source
  --detect-local-mode MODE how connections from pods are known: ClusterCIDR (default), NodeCIDR, or by where they
                           come in: BridgeInterface (--pod-bridge-interface NAME), InterfaceNamePrefix
                           (--pod-interface-name-prefix PREFIX)
  --nodeport-addresses LIST the node's addresses that node ports are served on: CIDRs, primary (default), all;
                           localhost, too: TCP node ports on 127.0.0.1 and ::1
  --healthz-bind-address ADDRESS   /healthz and /livez (default: 0.0.0.0:10256; empty: none)
  --metrics-bind-address ADDRESS   /metrics, /proxyMode, /configz (default: 127.0.0.1:10249; empty: none)
  --bind-address-hard-fail         end if one of them cannot be listened on, instead of trying again
  --bind-address ADDRESS   this node's primary address, instead of what its Node object has
  --hostname-override NAME the name of this node's Node object (default: the host name)
  --conntrack-max-per-core N, --conntrack-min N   flows to track: for each CPU, and at least (0 for each: leave it)
  --conntrack-tcp-timeout-established, --conntrack-tcp-timeout-close-wait, --conntrack-udp-timeout,
  --conntrack-udp-timeout-stream DURATION, --conntrack-tcp-be-liberal   likewise (0: leave it)
  --oom-score-adj N        of this process (default: -999)
  --iptables-sync-period DURATION  half of what a change may wait until /healthz says so (default: 30s)
  -v N                     verbosity; 0 is quiet, 2 shows each transaction

Flags, ours:
  --run-dir DIR            for the control socket and the last nft input (default: /run/kube-proxy-nft)
  --beside-kube-proxy      start though a kube-proxy runs here, too
  -o, --output FORMAT      of --dump: nft (a script that nft -f loads) or json (libnftables JSON)
  --version                print version, commit and Node.js version
  -h, --help               print this

--dump and --trace with a source work on what would be programmed if no daemon runs. A stop (SIGTERM) leaves the rules in place.
`;
