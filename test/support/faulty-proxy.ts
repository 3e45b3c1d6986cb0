import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { type Gate, gate, whenTestEnds } from './engine.js';
import { testRedisUrl } from './namespace.js';

/** What becomes of an operation: it does not run, or it runs; either way its answer is an error. */
type Fault = 'refused' | 'answered by an error';

/** Text of a reply of Redis, byte by byte, and what is made of it. */
interface Awaited {
  readonly change: (reply: string) => string;
  /** Without asking Redis. */
  readonly reply?: string;
  readonly held?: Promise<void>;
}

/** Starts a proxy in front of a Redis that ends with the test. */
export async function faultyProxy(): Promise<FaultyProxy> {
  const proxy = new FaultyProxy(new URL(testRedisUrl()));
  await proxy.listen();
  whenTestEnds(() => proxy.close());
  return proxy;
}

/** A proxy in which operations of script calls go wrong. For connections that do not subscribe: each request has one answer. */
export class FaultyProxy {
  /** How many calls carried an operation, by its name. */
  readonly calls = new Map<string, number>();
  private readonly server: Server = createServer((client) => this.accept(client));
  private readonly sockets = new Set<Socket>();
  private readonly faults = new Map<string, Fault>();
  private refusal: string | undefined;
  private stalling: { at: string; readonly begun: Gate; readonly over: Gate } | undefined;

  constructor(private readonly target: URL) {}

  get url(): string {
    const url = new URL(this.target);
    url.host = `127.0.0.1:${(this.server.address() as AddressInfo).port}`;
    return url.href;
  }

  async listen(): Promise<void> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
  }

  async close(): Promise<void> {
    this.heal();
    const closed = once(this.server, 'close');
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }

  count(operation: string): number {
    return this.calls.get(operation) ?? 0;
  }

  /** Every operation of this name goes wrong until {@link heal}. */
  break(operation: string, fault: Fault): void {
    this.faults.set(operation, fault);
  }

  /** Every script call is refused until {@link heal}. */
  refuseAll(error: string): void {
    this.refusal = error;
  }

  /**
   * From the next call with this operation on, answers do not arrive before {@link heal}; what is sent runs, as on a connection whose way
   * back hangs. Resolves when the first of them is under way.
   */
  stallFrom(operation: string): Promise<void> {
    this.stalling = { at: operation, begun: gate(), over: gate() };
    return this.stalling.begun.promise;
  }

  heal(): void {
    this.stalling?.over.open();
    this.stalling = undefined;
    this.faults.clear();
    this.refusal = undefined;
  }

  private accept(client: Socket): void {
    const redis = connect({ host: this.target.hostname, port: Number(this.target.port || 6379) });
    const awaited: Awaited[] = [];
    let requests = '';
    let replies = '';
    let answering = Promise.resolve();
    const answer = (text: string, { change, held }: Awaited): void => {
      answering = answering.then(async () => {
        await held;
        client.write(change(text), 'latin1');
      });
    };
    const answerRefused = (): void => {
      while (awaited[0]?.reply !== undefined) {
        const next = awaited.shift() as Awaited;
        answer(next.reply as string, next);
      }
    };
    client.on('data', (chunk) => {
      requests += chunk.toString('latin1');
      for (let end = endOf(requests, 0); end >= 0; end = endOf(requests, 0)) {
        const parts = partsOf(requests.slice(0, end));
        requests = requests.slice(end);
        const plan = this.planFor(parts);
        awaited.push(plan);
        if (plan.reply === undefined) redis.write(encode(parts), 'latin1');
      }
      answerRefused();
    });
    redis.on('data', (chunk) => {
      replies += chunk.toString('latin1');
      for (let end = endOf(replies, 0); end >= 0; end = endOf(replies, 0)) {
        answer(replies.slice(0, end), awaited.shift() as Awaited);
        replies = replies.slice(end);
        answerRefused();
      }
    });
    for (const socket of [client, redis]) {
      this.sockets.add(socket);
      // The other side sees the connection end; there is nobody to tell here.
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.sockets.delete(socket);
        client.destroy();
        redis.destroy();
      });
    }
  }

  /** Changes a request where its operations are refused, and tells what is to become of its answer. */
  private planFor(parts: string[]): Awaited {
    const change = (reply: string) => reply;
    if (!/^eval(sha)?$/i.test(parts[0])) return { change };
    const operations = operationsIn(parts);
    const names = operations.map(({ name }) => name);
    for (const name of names) this.calls.set(name, this.count(name) + 1);
    if (this.refusal !== undefined) return { change, reply: `-${this.refusal}\r\n` };
    const { stalling } = this;
    if (stalling && names.includes(stalling.at)) {
      stalling.at = '';
      stalling.begun.open();
    }
    const held = stalling?.at === '' ? stalling.over.promise : undefined;
    for (const { name, at } of operations) if (this.faults.get(name) === 'refused') parts[at] = 'no_such_operation';
    const broken = names.map((name) => this.faults.get(name) === 'answered by an error');
    return { change: (reply) => (reply.startsWith('*') ? withErrors(reply, broken) : reply), held };
  }
}

/** Script calls are `evalsha, sha, number of keys, keys`, then the name, the number of arguments and the arguments of each operation. */
function operationsIn(parts: readonly string[]): Array<{ name: string; at: number }> {
  const operations: Array<{ name: string; at: number }> = [];
  for (let at = 3 + Number(parts[2]); at < parts.length; at += 2 + Number(parts[at + 1]))
    operations.push({ name: parts[at], at });
  return operations;
}

function withErrors(reply: string, broken: readonly boolean[]): string {
  const answers: string[] = [];
  for (let at = reply.indexOf('\r\n') + 2; at < reply.length; ) {
    const end = endOf(reply, at);
    answers.push(broken[answers.length] ? encode(['ERROR', 'upstream went away']) : reply.slice(at, end));
    at = end;
  }
  return `*${answers.length}\r\n${answers.join('')}`;
}

function encode(parts: readonly string[]): string {
  return `*${parts.length}\r\n${parts.map((part) => `$${part.length}\r\n${part}\r\n`).join('')}`;
}

/** The texts of an array of bulk strings. */
function partsOf(request: string): string[] {
  const parts: string[] = [];
  for (let at = request.indexOf('\r\n') + 2; at < request.length; ) {
    const start = request.indexOf('\r\n', at) + 2;
    const end = endOf(request, at);
    parts.push(request.slice(start, end - 2));
    at = end;
  }
  return parts;
}

/** How many values follow the head of an aggregate of RESP2 or RESP3, for each that it counts. */
const VALUES_OF: Readonly<Record<string, number>> = { '*': 1, '~': 1, '%': 2 };

/** Where the value at a place of a RESP text ends, -1 if it is not complete. */
function endOf(text: string, at: number): number {
  const lineEnd = text.indexOf('\r\n', at);
  if (lineEnd < 0) return -1;
  const size = Number(text.slice(at + 1, lineEnd));
  if (text[at] === '$' || text[at] === '=') {
    const end = size < 0 ? lineEnd + 2 : lineEnd + 2 + size + 2;
    return end <= text.length ? end : -1;
  }
  let end = lineEnd + 2;
  for (let left = size * (VALUES_OF[text[at]] ?? 0); left > 0 && end >= 0; left--) end = endOf(text, end);
  return end;
}
