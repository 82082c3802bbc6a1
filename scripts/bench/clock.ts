/** CLOCK_MONOTONIC, which all processes of a machine share: milliseconds. */
export const CLOCK = { now: () => Number(process.hrtime.bigint()) / 1e6 };
