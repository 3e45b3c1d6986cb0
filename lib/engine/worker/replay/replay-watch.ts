import { AsyncResource } from 'node:async_hooks';
import { LongTimer } from '../../core/async/long-timer.js';
import type { StepHost } from '../steps/step-host.js';
import { type Replayed, ReplayGuard } from './replay-guard.js';

interface WatchHost {
  readonly data: Replayed;
  /** How many outcomes the handler has got. */
  readonly delivered: number;
  isAsked(step: string): boolean;
  /** The handler has got the outcomes that it has asked for, as far as there are some. */
  isDrained(): boolean;
  readonly activity: { readonly isIdle: boolean };
}

interface HeldStep {
  readonly name: string;
  readonly caller: AsyncResource;
  readonly begin: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Keeps new steps from beginning while a stored one is missing: they may be what that is called now, and would do again what it has done.
 * They are held and not refused. A handler may well come to the missing step a little later, behind a call that is no step.
 */
export class ReplayWatch {
  private guard: ReplayGuard | undefined;
  private held: HeldStep[] = [];
  private timer: LongTimer | undefined;
  private armedAfter = 0;
  private isLooking = false;

  constructor(
    private readonly host: WatchHost,
    private readonly pass: Pick<StepHost, 'determinism' | 'hasLooked' | 'suspect'>,
  ) {}

  /**
   * Whether a step that is not stored must wait: a stored one is missing, or will turn out to be once the handler has got the outcomes that it
   * has asked for. It may be about to ask for more, side by side with the new step.
   */
  get mustHold(): boolean {
    const guard = this.guarding();
    return guard?.isIncomplete === true;
  }

  get isHolding(): boolean {
    return this.held.length > 0;
  }

  /** Completed steps that the handler has ended without. An open wait is what the loser of a race leaves behind. */
  unasked(): string[] {
    return this.missing().filter((step) => this.host.data.steps.get(step)?.status !== 'w');
  }

  private missing(): string[] {
    return this.guarding()?.missing(this.host.delivered) ?? [];
  }

  hold(name: string, begin: () => void, reject: (error: unknown) => void): void {
    this.held.push({ name, caller: new AsyncResource('RedflowStep'), begin, reject });
    this.look();
  }

  /** Something was handed over or has settled, or all is asked for: what is held may begin, or the time of grace does. */
  look(): void {
    if (this.held.length === 0 || this.isLooking) return;
    this.isLooking = true;
    // The handler goes on first: what it was handed leads it to the next step, or it asks for several.
    setImmediate(() => {
      this.isLooking = false;
      this.decide();
    });
  }

  private decide(): void {
    const { host } = this;
    if (this.held.length === 0 || !host.isDrained()) return void this.disarm();
    if (!this.guarding()?.isMissing(host.delivered)) return void this.release();
    if (!host.activity.isIdle) return void this.disarm();
    if (this.timer && this.armedAfter === host.delivered) return;
    this.disarm();
    this.armedAfter = host.delivered;
    this.timer = new LongTimer(this.pass.determinism.graceMs, () => this.graceIsOver());
  }

  /** The missing steps are of no consequence in this pass. */
  excuse(steps: readonly string[]): void {
    this.guard?.excuse(steps);
    this.look();
  }

  /** No step begins any more. */
  refuse(error: Error): void {
    for (const { reject } of this.clear()) reject(error);
  }

  /** @returns those that were held, which never settle now */
  clear(): readonly HeldStep[] {
    this.disarm();
    return this.held.splice(0);
  }

  private guarding(): ReplayGuard | undefined {
    const { host, pass } = this;
    // The first pass of a run has nothing to miss: most runs never get further.
    if (host.data.steps.size === 0 || pass.determinism.mode === 'off' || pass.hasLooked) return undefined;
    this.guard ??= new ReplayGuard(host.data, (step) => host.isAsked(step));
    return this.guard;
  }

  private release(): void {
    for (const { caller, begin, reject } of this.clear()) {
      caller.runInAsyncScope(() => {
        try {
          begin();
        } catch (error) {
          reject(error);
        }
      });
    }
  }

  private graceIsOver(): void {
    this.timer = undefined;
    const missing = this.missing();
    if (this.host.isDrained() && this.host.activity.isIdle && missing.length > 0) this.pass.suspect(this.held[0].name, missing);
    else this.decide();
  }

  private disarm(): void {
    this.timer?.cancel();
    this.timer = undefined;
  }
}
