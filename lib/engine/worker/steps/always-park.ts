/**
 * A mode of the test suite (`REDFLOW_TEST_ALWAYS_PARK=1`): every pass is dropped after its next completed step, so that all that a
 * handler does is replayed at every point where a crash, a park or a deploy could cut it.
 */
export const ALWAYS_PARK = process.env.REDFLOW_TEST_ALWAYS_PARK === '1';
