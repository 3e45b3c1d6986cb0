import { setTimeout as delay } from 'node:timers/promises';
import type { JobView } from './jobs.controller.js';

const POLL_MS = 100;
const PATIENCE_MS = 60_000;
const ENDED = ['succeeded', 'failed', 'canceled'];

/** The API process as its clients see it; tells what it answers. */
export class JobsApi {
  constructor(
    private readonly url: string,
    private readonly say: (who: string, what: string) => void,
  ) {}

  async post(path: string, body: object): Promise<JobView> {
    const json = JSON.stringify(body);
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(this.url + path, { method: 'POST', headers, body: json });
    const answer = (await response.json()) as JobView & { message?: string };
    this.say('client', `POST ${path} ${json}`);
    this.say('api', `${response.status} ${answer.message ?? describe(answer)}`);
    return answer;
  }

  /** Asks for a job until it has ended. */
  async end(id: string): Promise<JobView> {
    const job = await this.until(id, ({ status }) => ENDED.includes(status));
    this.say('client', 'GET /jobs/:id');
    this.say('api', `200 ${describe(job)}`);
    return job;
  }

  /** Asks for a job until it is as it should be. */
  async until(id: string, isReached: (job: JobView) => boolean): Promise<JobView> {
    const deadline = performance.now() + PATIENCE_MS;
    for (;;) {
      const job = (await (await fetch(`${this.url}/jobs/${id}`)).json()) as JobView;
      if (isReached(job)) return job;
      if (performance.now() > deadline) throw new Error(`Job ${id} did not get on: ${JSON.stringify(job)}`);
      await delay(POLL_MS);
    }
  }
}

function describe({ status, result }: JobView): string {
  return result === undefined ? status : `${status} ${JSON.stringify(result)}`;
}
