const SERVER_SAYS_LATER = /^(LOADING|READONLY|MISCONF|CLUSTERDOWN|MASTERDOWN|TRYAGAIN|UNBLOCKED|NOREPLICAS|BUSY|NOSCRIPT)\b/;
const CONNECTION_WENT =
  /Connection is closed|max retries per request|Stream isn't writeable|Command timed out|Socket timeout|Failed to refresh slots cache|Too many Cluster redirections|Cluster isn't ready|None of startup nodes/;

/**
 * Whether the same script call may succeed a moment later: the server is loading, failing over or full, or the connection went.
 * In the last case the call may have run; every script may run twice.
 */
export function isTransient(error: unknown): boolean {
  if (!(error instanceof Object)) return false;
  const { message = '', code = '' } = error as { message?: string; code?: string };
  return SERVER_SAYS_LATER.test(message) || CONNECTION_WENT.test(message) || /^(E[A-Z]+|EAI_AGAIN)$/.test(code);
}

export function isScriptUnknown(error: unknown): boolean {
  return error instanceof Object && String((error as Error).message).startsWith('NOSCRIPT');
}

/** Redis reached `maxmemory` and may evict nothing: it refused the call before its first write. */
export function isOutOfMemory(error: unknown): boolean {
  return error instanceof Object && String((error as Error).message).startsWith('OOM');
}

/**
 * Redis before 7 checks inside a script what later versions check before it: then operations answer the refusal as their own
 * error. The call is to be repeated as a whole; what was written all the same may be written twice.
 */
export function refusalIn(replies: readonly unknown[]): Error | undefined {
  for (const reply of replies) {
    const message = Array.isArray(reply) && reply[0] === 'ERROR' ? String(reply[1]) : '';
    // The same in 6.2: `@user_script: 120: -OOM command not allowed …`
    const refusal = /(?:^|: -)((?:OOM|READONLY|MISCONF|NOREPLICAS|MASTERDOWN|CLUSTERDOWN) .*)/.exec(message);
    if (refusal) return new Error(refusal[1]);
  }
  return undefined;
}
