import type { Fault } from '../fault.ts';
import { API_FAULTS } from './api-server.ts';
import { KERNEL_FAULTS } from './kernel.ts';
import { PROCESS_FAULTS } from './processes.ts';

/** Every kind of fault. */
export const FAULTS: readonly Fault[] = [...KERNEL_FAULTS, ...PROCESS_FAULTS, ...API_FAULTS];
