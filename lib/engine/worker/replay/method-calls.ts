import { hash } from 'node:crypto';
import { canonicalJson } from '../../core/payload/canonical-json.js';
import type { RunData } from '../../redis/steps/stored-step.js';
import type { StepHost } from '../steps/step-host.js';

const DIGEST_BYTES = 8;

/** One call of a `@Step()` method that has no name of its own. */
export interface MethodCall {
  /** `Mail.send`, then `Mail.send#2`. */
  readonly name: string;
  /** Of the arguments, if they have JSON. */
  readonly digest: string | undefined;
  /** The step that is stored under other arguments than it is now called with, if the method is called more than once in the run. */
  readonly mismatched: string | undefined;
}

interface Calls {
  count: number;
  /** The first call has other arguments than the one that is stored: of no consequence unless there is a second. */
  isFirstOther: boolean;
}

/**
 * Numbers the calls of `@Step()` methods in one pass, in the order in which the handler makes them. A handler that is not deterministic, or was
 * changed while the run was under way, would get the result of another call: so each record keeps a digest of its arguments.
 */
export class MethodCalls {
  private readonly methods = new Map<string, Calls>();
  private opaque: ReadonlySet<unknown> | undefined;

  constructor(
    private readonly host: Pick<StepHost, 'context' | 'worker'>,
    private readonly data: RunData,
  ) {}

  next(method: string, args: readonly unknown[]): MethodCall {
    const calls = this.methods.get(method) ?? { count: 0, isFirstOther: false };
    this.methods.set(method, calls);
    const name = nameOfCall(method, ++calls.count);
    const digest = this.digestOf(args);
    const stored = this.data.steps.get(name)?.digest;
    const isOther = stored !== undefined && digest !== undefined && stored !== digest;
    if (calls.count > 1) return { name, digest, mismatched: calls.isFirstOther ? method : isOther ? name : undefined };
    calls.isFirstOther = isOther;
    const isOneOfSeveral = this.data.steps.has(nameOfCall(method, 2));
    return { name, digest, mismatched: isOther && isOneOfSeveral ? name : undefined };
  }

  private digestOf(args: readonly unknown[]): string | undefined {
    const { context, worker } = this.host;
    // What belongs to the pass says nothing of the call, and is another one in the next attempt.
    this.opaque ??= new Set<unknown>([context, context.run, context.logger]);
    const json = canonicalJson(args, worker.maxPayloadBytes, this.opaque);
    if (json === undefined) return undefined;
    return hash('sha1', json, 'buffer').toString('base64url', 0, DIGEST_BYTES);
  }
}

/** User names may not end like this: see `checkStepName`. */
function nameOfCall(method: string, number: number): string {
  return number === 1 ? method : `${method}#${number}`;
}
