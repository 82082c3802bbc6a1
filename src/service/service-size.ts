import type { EndpointSlice } from '../objects/endpoint-slice.ts';
import type { Service } from '../objects/service.ts';
import { DEFAULT_WEIGHT } from '../objects/slice-options.ts';
import { tableSize } from './hash-table.ts';
import { hashByOf } from './lb-algorithm.ts';
import { SLOW_START_STEPS } from './slow-start.ts';

/**
 * The cost for nft of an endpoint with session affinity, or with a limit of connections, in elements: its rules and its set.
 * All addresses of a port share them.
 */
const CHAINS_SIZE = 50;

/** An estimate of the maximum number of elements that a Service requests, without computing them. */
export function serviceSize(service: Service, slices: readonly EndpointSlice[]): number {
  const { ports, externalIps, loadBalancerIps, sourceRanges, affinitySeconds, options } = service;
  const isHashed = hashByOf(service, true) !== undefined;
  const steps = options?.slowStartSeconds === undefined ? 1 : SLOW_START_STEPS;
  // With chains of their own, a weight is a number in a rule and takes no slots.
  const hasChains = affinitySeconds !== undefined || options?.maxConnections !== undefined;
  const slotsOf = (slice: EndpointSlice) => (isHashed || hasChains ? 1 : weightOf(slice) * steps);
  const endpoints = slices.reduce((sum, slice) => sum + slice.endpoints.length * slotsOf(slice), 0);
  const each = 2 + (isHashed ? tableSize(endpoints) : endpoints);
  const chains = hasChains && !isHashed ? endpoints * CHAINS_SIZE : 0;
  const places = 2 + externalIps.length + loadBalancerIps.length;
  // They may also apply to node ports. Whether a flag says so is not known here.
  const restricted = loadBalancerIps.length + Number(ports.some(({ nodePort }) => nodePort !== undefined));
  return ports.length * (places * each + chains + restricted * sourceRanges.length);
}

function weightOf({ options }: EndpointSlice): number {
  return Math.max(options?.weight ?? DEFAULT_WEIGHT, 1);
}
