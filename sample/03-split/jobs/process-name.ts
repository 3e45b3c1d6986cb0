/** What the starter calls this process. The jobs return it, so that you see who did what. */
export const processName = process.env.SAMPLE_PROCESS ?? `process ${process.pid}`;
