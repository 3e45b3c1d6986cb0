import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** A TCP proxy in front of Redis that lets it pass for another version. */
export interface VersionRewritingProxy {
  /** The Redis URL to give to clients. */
  readonly url: string;
  /** Destroys all connections and stops listening. */
  close(): Promise<void>;
}

/**
 * Starts a proxy on a free loopback port that writes `version` over the one in the answers to INFO. Answers carry their
 * length, so the version is cut or filled up with zeros to be as long as the real one: `5.0.14` stays `5.0.14` for `7.0.15`.
 */
export async function startVersionRewritingProxy(redisUrl: string, version: string): Promise<VersionRewritingProxy> {
  const { hostname, port } = new URL(redisUrl);
  const sockets = new Set<Socket>();
  const server: Server = createServer((client) => {
    const redis = connect({ host: hostname, port: Number(port || 6379) });
    client.on('data', (chunk) => redis.write(chunk));
    redis.on('data', (chunk) => client.write(rewritten(chunk, version)));
    for (const socket of [client, redis]) {
      sockets.add(socket);
      // The other side sees the connection end; there is nobody to tell here.
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        redis.destroy();
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** The version is among the first bytes of an answer, so that no chunk ends within it. */
function rewritten(chunk: Buffer, version: string): Buffer {
  const text = chunk.toString('latin1');
  const replaced = text.replace(/redis_version:([\d.]+)/g, (_, real: string) => {
    return `redis_version:${version.slice(0, real.length).padEnd(real.length, '0')}`;
  });
  return replaced === text ? chunk : Buffer.from(replaced, 'latin1');
}
