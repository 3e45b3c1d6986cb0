import { RedflowError } from '../../core/errors/index.js';

/** Who asks: a worker has runs in hand, and goes on where a client tells its caller. */
export type Role = 'client' | 'worker';

/** Inside a script, Redis before 7 refuses what later versions refuse before it, behind the place: `@user_script: 9: -READONLY …`. */
const REFUSED_INSIDE = /(?:^|: -)((?:OOM|READONLY|MISCONF|NOREPLICAS|MASTERDOWN|CLUSTERDOWN|TRYAGAIN) .*)/;
const OF_A_SCRIPT = /user_script|Error (?:running|compiling) script/;
/** A second call would be answered alike. */
const OF_THE_CALL = /^(?:WRONGTYPE|CROSSSLOT|MOVED|ASK|BUSYGROUP|ERR (?:unknown|wrong number|syntax|value|Protocol))\b/;
/** It is the server that cannot, by whatever connection; a cluster that moves a slot, however often ioredis has asked it. */
const OF_THE_SERVER =
  /^(?:LOADING|MISCONF|BUSY|OOM|NOREPLICAS|TRYAGAIN|NOSCRIPT|NOPERM|Too many Cluster redirections.* (?:TRYAGAIN|ASK))\b/;
const OF_THE_LOGIN = /^(?:NOAUTH|WRONGPASS|NOPERM|ERR (?:AUTH|invalid password|invalid username|DB index|invalid DB))\b/;
/** Ours, or those of Node about an argument. */
const OF_THE_CODE = new Set(['TypeError', 'RangeError', 'ReferenceError', 'SyntaxError']);

/**
 * Whether the same call may succeed later. What is not known is: a connection fails in ever new words, and so do proxies and managed
 * servers, while the errors that are about the call itself are few.
 */
export function isPassing(error: unknown, role: Role): boolean {
  const message = messageOf(error);
  if (message === undefined || error instanceof RedflowError || OF_THE_CODE.has((error as Error).name)) return false;
  const refusal = refusalOf(message);
  if (refusal?.startsWith('OOM') || message.startsWith('NOPERM')) return role === 'worker';
  if (refusal !== undefined) return true;
  return !OF_A_SCRIPT.test(message) && !OF_THE_CALL.test(message);
}

/** Whether another connection may help against a passing error: to another primary, with another password, with a peer that answers. */
export function wantsFreshConnection(error: unknown): boolean {
  const message = messageOf(error) ?? '';
  return !OF_THE_SERVER.test(refusalOf(message) ?? message);
}

/** Whether the server does not let this user in, or not into this database. */
export function isLoginRefused(error: unknown): boolean {
  const isOfSelect = (error as { command?: { name?: string } } | undefined)?.command?.name === 'select';
  return isOfSelect || OF_THE_LOGIN.test(messageOf(error) ?? '');
}

/** Whether these are words of a server, which begin with a code, and not of a connection. */
export function isRefusal(reason: string): boolean {
  return /^[A-Z]{3,} /.test(reason);
}

export function isScriptUnknown(error: unknown): boolean {
  return messageOf(error)?.startsWith('NOSCRIPT') === true;
}

/** Redis reached `maxmemory` and may evict nothing: it refused the call before its first write. */
export function isOutOfMemory(error: unknown): boolean {
  return refusalOf(messageOf(error) ?? '')?.startsWith('OOM') === true;
}

/**
 * Redis before 7 checks inside a script what later versions check before it: then operations answer the refusal as their own
 * error. The call is to be repeated as a whole; what was written all the same may be written twice.
 */
export function refusalIn(replies: readonly unknown[]): Error | undefined {
  for (const reply of replies) {
    const refusal = Array.isArray(reply) && reply[0] === 'ERROR' ? refusalOf(String(reply[1])) : undefined;
    if (refusal !== undefined) return new Error(refusal);
  }
  return undefined;
}

function refusalOf(message: string): string | undefined {
  return REFUSED_INSIDE.exec(message)?.[1];
}

/** Errors of another realm, and of another copy of a library, have one too. */
function messageOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const { message } = error as { message?: unknown };
  return typeof message === 'string' ? message : undefined;
}
