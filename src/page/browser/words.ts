import { ago } from '../../status/words.ts';

/** "1,234" */
export function grouped(number: number): string {
  return number.toLocaleString('en');
}

/** A rate or a duration with the digits that matter: "0.4", "12", "1,234". */
export function figure(number: number): string {
  if (number === 0) return '0';
  if (number < 0.1) return '<0.1';
  return number < 10 ? `${Math.round(number * 10) / 10}` : grouped(Math.round(number));
}

/** "8 ms", "1.2 s" */
export function duration(milliseconds: number): string {
  return milliseconds < 1000 ? `${figure(milliseconds)} ms` : `${figure(milliseconds / 1000)} s`;
}

/** "3 s ago" */
export function since(at: number, now: number): string {
  return `${ago(now - at)} ago`;
}

/** "14:02:09", in this browser's time zone. */
export function timeOf(at: number): string {
  return new Date(at).toLocaleTimeString('en-GB');
}

/** As `status` names families. */
export const FAMILY = { ip: 'IPv4', ip6: 'IPv6' } as const;
