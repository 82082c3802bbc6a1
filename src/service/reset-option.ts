import type { Service } from '../objects/service.ts';

/** Whether connections to endpoints of a Service end when these are gone: its annotation, or else what counts for all. */
export function resetsGone(service: Pick<Service, 'options'> | undefined, forAll: boolean): boolean {
  return service !== undefined && (service.options?.resetGoneEndpoints ?? forAll);
}
