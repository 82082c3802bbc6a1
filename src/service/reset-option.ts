import type { Service } from '../objects/service.ts';

/**
 * Whether connections to a Service's endpoints end when these are gone: according to its annotation, otherwise to the
 * default for all.
 */
export function resetsGone(service: Pick<Service, 'options'> | undefined, forAll: boolean): boolean {
  return service !== undefined && (service.options?.resetGoneEndpoints ?? forAll);
}
