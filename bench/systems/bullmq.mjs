import { Queue, QueueEvents, Worker } from 'bullmq';

export const name = 'BullMQ';

const queueOf = (round) => `bench-${round}`;
const ADD_BATCH = 1_000;

function connectionOf(url) {
  const { hostname, port } = new URL(url);
  return { host: hostname, port: Number(port), maxRetriesPerRequest: null };
}

/** Creates jobs of one round; completed ones are kept, as they are by default. */
export function createProducer({ url, round }) {
  const queue = new Queue(queueOf(round), {
    connection: connectionOf(url),
    defaultJobOptions: { removeOnComplete: false },
  });
  let events;
  return {
    async addMany(kind, inputs) {
      for (let i = 0; i < inputs.length; i += ADD_BATCH) {
        await queue.addBulk(inputs.slice(i, i + ADD_BATCH).map((data) => ({ name: kind, data })));
      }
    },
    /** Resolves when the job has been created; the answer resolves with its result. */
    async add(kind, data) {
      if (!events) {
        events = new QueueEvents(queueOf(round), { connection: connectionOf(url) });
        await events.waitUntilReady();
      }
      const job = await queue.add(kind, data);
      return { result: () => job.waitUntilFinished(events, 30_000) };
    },
    async close() {
      await events?.close();
      await queue.close();
    },
  };
}

/** @param begun called by every processor before anything else, with the job's data */
export async function startWorker({ url, round, concurrency, begun }) {
  const process = async (job) => {
    begun(job.data);
    if (job.name !== 'steps') return;
    // BullMQ's documented way to steps: what a job has done so far is kept in its data.
    await job.updateData({ ...job.data, one: 1 });
    await job.updateData({ ...job.data, two: 2 });
    await job.updateData({ ...job.data, three: 3 });
  };
  const worker = new Worker(queueOf(round), process, { connection: connectionOf(url), concurrency });
  await worker.waitUntilReady();
  return { stop: () => worker.close() };
}

/** How many jobs Redis knows as completed. */
export const countEnded = (redis, round) => redis.zcard(`bull:${queueOf(round)}:completed`);

/** Nothing is left to be done for jobs that have ended. */
export const isTidy = async () => true;
