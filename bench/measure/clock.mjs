/** The machine's monotonic clock in milliseconds: one and the same in every process. */
export const clockMs = () => Number(process.hrtime.bigint()) / 1e6;
