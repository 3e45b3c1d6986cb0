import { createCipheriv, createDecipheriv, randomBytes, randomInt } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { PayloadCodec } from '../../lib/engine/index.js';

/** AES-256-GCM with a new IV for every payload, as text. */
export function aesCodec(key = randomBytes(32)) {
  return {
    encode(json: string): string {
      const iv = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', key, iv);
      const body = Buffer.concat([cipher.update(json), cipher.final()]);
      return Buffer.concat([iv, cipher.getAuthTag(), body]).toString('base64url');
    },
    decode(stored: string | Uint8Array): string {
      const bytes = Buffer.from(stored as string, 'base64url');
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12));
      decipher.setAuthTag(bytes.subarray(12, 28));
      return decipher.update(bytes.subarray(28)).toString() + decipher.final().toString();
    },
  };
}

export const gzipCodec = {
  encode: (json: string): Uint8Array => gzipSync(json),
  decode: (stored: string | Uint8Array): string => gunzipSync(stored as Uint8Array).toString(),
};

/** The codec, as slow as a key service that answers in no particular order. */
export function slow(codec: PayloadCodec): PayloadCodec {
  const pause = async () => {
    for (let turns = randomInt(8); turns > 0; turns--) await turn();
  };
  return {
    encode: async (json) => {
      await pause();
      return codec.encode(json);
    },
    decode: async (stored) => {
      await pause();
      return codec.decode(stored);
    },
  };
}
