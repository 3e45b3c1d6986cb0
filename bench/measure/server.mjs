import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';

/** What the measurements need of the private Redis beside the systems themselves. */
export class Server {
  constructor(url) {
    this.url = url;
    this.redis = new Redis(url);
  }

  /** An empty dataset and append-only file. No rewrite of the file may fall into a measurement. */
  async reset() {
    await this.redis.config('SET', 'auto-aof-rewrite-percentage', 0);
    await this.redis.flushall('SYNC');
    await this.redis.bgrewriteaof();
    while (/aof_rewrite_(in_progress|scheduled):1/.test(await this.redis.info('persistence'))) await delay(10);
    await this.redis.config('RESETSTAT');
  }

  /** CPU time used so far, in microseconds. */
  async cpuUs() {
    const info = await this.redis.info('cpu');
    return 1e6 * (number(info, 'used_cpu_user') + number(info, 'used_cpu_sys'));
  }

  /** Script calls and the time spent in them since `reset()`. */
  async scriptCalls() {
    const info = await this.redis.info('commandstats');
    const [, calls = 0, us = 0] = /cmdstat_evalsha:calls=(\d+),usec=(\d+)/.exec(info) ?? [];
    return { calls: Number(calls), us: Number(us) };
  }

  /** Bytes in use, once they have stopped changing. */
  async settledMemory() {
    for (let last = -1; ; ) {
      const memory = await this.redis.info('memory');
      const used = number(memory, 'used_memory') - number(memory, 'mem_aof_buffer') - number(memory, 'mem_clients_normal');
      if (Math.abs(used - last) < 10_000) return used;
      last = used;
      await delay(300);
    }
  }

  async version() {
    return /redis_version:(\S+)/.exec(await this.redis.info('server'))[1];
  }

  close() {
    this.redis.disconnect();
  }
}

const number = (info, field) => Number(new RegExp(`^${field}:(.*)$`, 'm').exec(info)[1]);
