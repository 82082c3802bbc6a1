/** The text of --help. */
export const HELP = `kube-proxy-nft: makes the Services of a Kubernetes cluster reachable on this node, with nftables.

Usage:
  kube-proxy-nft --kubeconfig FILE | --manifests PATH [flags]   run in the foreground
  kube-proxy-nft --dump [-o nft|json]                           print the ruleset of the running daemon
  kube-proxy-nft --trace ADDRESS:PORT[/PROTOCOL] [--from ADDRESS[%INTERFACE]]
                                                                what becomes of such a connection, and why; from the
                                                                node itself if no client is given
  kube-proxy-nft --cleanup                                      remove our tables, and nothing else

Where Services and EndpointSlices come from (in a pod with a service account: that, if none is given):
  --kubeconfig FILE        watch the API server this kubeconfig names
  --master URL             the API server's address, instead of the one in the kubeconfig or the in-cluster one
  --manifests PATH         a file or folder of YAML or JSON, watched for changes; needs no cluster

Flags:
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
  --hostname-override NAME the name of this node's Node object (default: the host name)
  --run-dir DIR            for the control socket and the last nft input (default: /run/kube-proxy-nft)
  -v N                     verbosity; 0 is quiet, 2 shows each transaction
  -o, --output FORMAT      of --dump: nft (a script that nft -f loads) or json (libnftables JSON)
  --version                print version, commit and Node.js version
  -h, --help               print this

--dump and --trace with a source work on what would be programmed if no daemon runs. A stop (SIGTERM) leaves the rules in place.
`;
