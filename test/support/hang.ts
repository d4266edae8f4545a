/**
 * How long tests wait before they say that something hangs. It is no measure of speed: what takes its time on a busy machine is waited for, so no test has
 * a shorter limit of its own. `STATOR_TEST_HANG_MS`: where a product is broken on purpose, nothing is waited for so long.
 */
export const hangMs = Number(process.env.STATOR_TEST_HANG_MS ?? 300_000);
