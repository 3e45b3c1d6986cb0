import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import type { RedisOptions } from 'ioredis';

/** A way to a Redis that does not speak plain TCP. */
export interface Forwarder {
  readonly connection: RedisOptions;
  close(): Promise<void>;
}

/** Leads to a Redis from a Unix socket. */
export async function unixForwarder(redisUrl: string): Promise<Forwarder> {
  const dir = await mkdtemp(join(tmpdir(), 'redflow-unix-'));
  const path = join(dir, 'redis.sock');
  const sockets = new Set<Socket>();
  const server = createServer((client) => forward(client, redisUrl, sockets)).listen(path);
  await once(server, 'listening');
  return {
    connection: { path },
    close: async () => {
      await closed(server, sockets);
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** Leads to a Redis through TLS, with a key that both sides have: no certificate is needed. */
export async function tlsForwarder(redisUrl: string): Promise<Forwarder> {
  const psk = Buffer.from('d731ef57be09e5204f0b205b60627028', 'hex');
  const common = { ciphers: 'PSK', maxVersion: 'TLSv1.2' } as const;
  const options: TlsOptions = { ...common, pskCallback: () => psk };
  const sockets = new Set<Socket>();
  const server = createTlsServer(options, (client) => forward(client, redisUrl, sockets)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const tls = { ...common, pskCallback: () => ({ psk, identity: 'test' }), checkServerIdentity: () => undefined };
  return { connection: { host: '127.0.0.1', port, tls }, close: () => closed(server, sockets) };
}

function forward(client: Socket, redisUrl: string, sockets: Set<Socket>): void {
  const { hostname, port } = new URL(redisUrl);
  const redis = connect({ host: hostname, port: Number(port || 6379) });
  for (const [socket, other] of [
    [client, redis],
    [redis, client],
  ]) {
    sockets.add(socket);
    socket.on('error', () => {
      // The other side sees the connection end.
    });
    socket.on('close', () => {
      sockets.delete(socket);
      other.destroy();
    });
    socket.pipe(other);
  }
}

async function closed(server: Server, sockets: Set<Socket>): Promise<void> {
  const over = once(server, 'close');
  server.close();
  for (const socket of sockets) socket.destroy();
  await over;
}
