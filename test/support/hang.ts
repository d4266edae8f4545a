/**
 * How long tests wait before they say that something hangs. It is no measure of speed: what takes its time on a busy machine is waited for, so no test has
 * a shorter limit of its own.
 */
export const hangMs = 300_000;
