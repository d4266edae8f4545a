/**
 * How long tests wait before they report a hang. It is not a measure of speed: a busy machine may take long, so no test has a shorter limit of its
 * own. `STATOR_TEST_HANG_MS`: a shorter limit for products that are broken on purpose.
 */
export const hangMs = Number(process.env.STATOR_TEST_HANG_MS ?? 300_000);
