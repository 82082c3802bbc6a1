import type { Arguments } from '../../config/arguments.ts';

type NodeArguments = Pick<
  Arguments,
  | 'resetGoneEndpoints'
  | 'skipUnreachableNodes'
  | 'nodePortSourceRanges'
  | 'sourceRangesOnNodePorts'
  | 'readCiliumAnnotations'
>;

/** The flags of docs/beyond-kube-proxy.md that are set, for people: "--node-port-source-ranges 192.0.2.0/24,2001:db8::/32". */
export function nodeFlags(args: NodeArguments): readonly string[] {
  const { nodePortSourceRanges: ranges } = args;
  return [
    ...(args.resetGoneEndpoints ? ['--reset-gone-endpoints'] : []),
    ...(args.skipUnreachableNodes ? ['--skip-unreachable-nodes'] : []),
    ...(args.sourceRangesOnNodePorts ? ['--source-ranges-on-node-ports'] : []),
    ...(ranges.length > 0 ? [`--node-port-source-ranges ${ranges.join(',')}`] : []),
    ...(args.readCiliumAnnotations ? ['--read-cilium-annotations'] : []),
  ];
}
