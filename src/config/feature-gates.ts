import { didYouMean } from '../suggest.ts';

/** The feature gates of kube-proxy that change something here, with their defaults (v1.37). */
const GATES = {
  /** KEP-5707, since 1.36: if off, spec.externalIPs of Services have no effect. */
  AllowServiceExternalIPs: true,
  /** KEP-4827 and KEP-4828, on since 1.36: if off, there is no /statusz or no /flagz. */
  ComponentStatusz: true,
  ComponentFlagz: true,
} as const;

export type FeatureGate = keyof typeof GATES;

/** The field featureGates: names, and whether they are on. */
export type FeatureGates = Readonly<Record<string, boolean>>;

/** Whether a gate is on. */
export function isEnabled(gate: FeatureGate, given: FeatureGates): boolean {
  return given[gate] ?? GATES[gate];
}

/** The note about gates that have no effect here; undefined if there are none. kube-proxy refuses unknown gates. */
export function noteOnGates(given: FeatureGates): string | undefined {
  const known = Object.keys(GATES);
  const others = Object.keys(given).filter((name) => !known.includes(name));
  if (others.length === 0) return undefined;
  const hints = others.map((name) => didYouMean(name, known)).filter((hint) => hint !== '');
  return `no effect here: ${others.join(', ')}; gates that count: ${known.join(', ')}${hints[0] ?? ''}`;
}
