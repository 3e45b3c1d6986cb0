import type { Code } from './declaring.js';

/** Three services with two versions of code each. `both` is served by two of them; `moves` is a schedule of one workflow, then of another. */
export const SERVICES: ReadonlyArray<readonly [old: Code[], young: Code[]]> = [
  [
    [
      { workflow: 'a1', events: ['old', 'both.*'], schedules: [{ id: 'every' }], maxConcurrency: 1 },
      { workflow: 'a2', events: ['old'], maxConcurrency: 2 },
      { workflow: 'both', events: ['old'], schedules: [{ id: 'shared' }] },
    ],
    [
      { workflow: 'a1', events: ['new', 'both.*'], maxConcurrency: 3 },
      { workflow: 'both', events: ['new'], schedules: [{ id: 'shared', expression: '1 * * * *' }], meta: { version: '2' } },
    ],
  ],
  [
    [{ workflow: 'b1', events: ['old'], schedules: [{ id: 'moves' }] }],
    [
      { workflow: 'b1', events: ['old', 'new'] },
      { workflow: 'b2', schedules: [{ id: 'moves' }], maxConcurrency: 1 },
      { workflow: 'both', events: ['both.*'], schedules: [{ id: 'shared' }] },
    ],
  ],
  [[{ workflow: 'c1', events: ['old'] }], [{ workflow: 'c1', schedules: [{ id: 'later', expression: '2 * * * *' }] }]],
];

export const deploymentsOf = (): string[] => SERVICES.flatMap((_codes, service) => [`${service}.0`, `${service}.1`]);

export function workflowsOf(deployment: string): Code[] {
  const [service, version] = deployment.split('.').map(Number);
  return SERVICES[service][version];
}

/** What is compared after every step. */
export interface Snapshot {
  names: string[];
  subscriptions: string[];
  schedules: Record<string, { workflow: string; expression: string; isPaused: boolean }>;
  limits: Record<string, string>;
  declared: Record<string, string[]>;
  held: Record<string, string>;
  unserved: string[];
}

/** The table of decision 0043, for whole histories. */
export class DeclarationModel {
  /** Living ones, with their deployments. */
  readonly workers = new Map<string, string>();
  private readonly starts = new Map<string, number>();
  private readonly held = new Map<string, string>();
  private readonly unservedSince = new Map<string, number>();
  private readonly owners = new Map<string, string>();
  private readonly paused = new Set<string>();
  private readonly kept = new Map<string, { till: number; workflow: string }>();
  private stamps = 0;
  private now = 0;

  constructor(private readonly forgetAfterMs: number) {}

  start(worker: string, deployment: string): void {
    if (!this.lives(deployment)) this.starts.set(deployment, ++this.stamps);
    this.workers.set(worker, deployment);
    this.decide(workflowsOf(deployment).map(nameOf));
  }

  leave(worker: string): void {
    this.workers.delete(worker);
  }

  crashAtBoot(deployment: string): void {
    for (const { workflow = '' } of workflowsOf(deployment)) {
      if (this.unservedSince.has(workflow)) this.unservedSince.set(workflow, this.now);
    }
  }

  advance(ms: number): void {
    this.now += ms;
  }

  pause(id: string): boolean {
    if (!this.owners.has(id)) return false;
    this.paused.add(id);
    return true;
  }

  forget(workflow: string): 'OK' | 'SERVED' | 'UNKNOWN' {
    if (!this.held.has(workflow)) return 'UNKNOWN';
    if (this.isServed(workflow)) return 'SERVED';
    this.held.delete(workflow);
    this.unservedSince.delete(workflow);
    for (const [id, owner] of this.owners) {
      if (owner !== workflow) continue;
      this.owners.delete(id);
      this.paused.delete(id);
    }
    for (const [id, { workflow: former }] of this.kept) if (former === workflow) this.kept.delete(id);
    return 'OK';
  }

  settle(): void {
    this.decide([...this.held.keys()]);
    this.moveSchedules();
    for (const workflow of this.held.keys()) {
      if (this.isServed(workflow)) this.unservedSince.delete(workflow);
      else if (!this.unservedSince.has(workflow)) this.unservedSince.set(workflow, this.now);
    }
    for (const [workflow, since] of this.unservedSince) {
      if (this.now - since >= this.forgetAfterMs) this.forget(workflow);
    }
    for (const [id, { till }] of this.kept) if (till <= this.now) this.kept.delete(id);
  }

  isServed(workflow: string): boolean {
    return this.serving(workflow).length > 0;
  }

  snapshot(): Snapshot {
    const names = [...this.held.keys()].sort();
    const codes = names.map((name) => this.codeOf(name));
    const limits = codes.flatMap(({ workflow, maxConcurrency, meta }) => [
      ...(maxConcurrency === undefined ? [] : [[`c${workflow}`, String(maxConcurrency)]]),
      ...(meta ? [[`v${workflow}`, (meta as { version: string }).version]] : []),
    ]);
    const schedules: Snapshot['schedules'] = {};
    for (const [id, workflow] of this.owners) {
      const expression = this.codeOf(workflow).schedules?.find((one) => one.id === id)?.expression ?? '0 3 * * *';
      schedules[id] = { workflow, expression, isPaused: this.paused.has(id) };
    }
    return {
      names,
      subscriptions: codes.flatMap(({ workflow, events = [] }) => events.map((event) => `${workflow} ${event}`)).sort(),
      schedules,
      limits: Object.fromEntries(limits.sort()),
      declared: Object.fromEntries(
        names.map((name) => [name, [...new Set([...this.serving(name), this.held.get(name) as string])].sort()]),
      ),
      held: Object.fromEntries(this.held),
      unserved: [...this.unservedSince.keys()].sort(),
    };
  }

  /** A schedule is of the workflow whose holder is the youngest among those served; else it stays where it is. */
  private moveSchedules(): void {
    for (const id of ['every', 'moves', 'shared', 'later']) {
      const declaring = [...this.held.keys()].filter((name) => this.codeOf(name).schedules?.some((one) => one.id === id));
      const served = declaring.filter((name) => this.isServed(name));
      const former = this.owners.get(id);
      const owner = youngest(served, (name) => this.starts.get(this.held.get(name) as string) as number);
      if (owner !== undefined) {
        this.owners.set(id, owner);
        const kept = this.kept.get(id);
        if (kept && kept.till > this.now) this.paused.add(id);
        this.kept.delete(id);
      } else if (former !== undefined && !declaring.includes(former)) {
        this.owners.delete(id);
        if (this.paused.delete(id)) this.kept.set(id, { till: this.now + this.forgetAfterMs, workflow: former });
      }
    }
  }

  private decide(workflows: readonly string[]): void {
    for (const workflow of workflows) {
      const chosen = youngest(this.serving(workflow), (deployment) => this.starts.get(deployment) as number);
      if (chosen !== undefined) this.held.set(workflow, chosen);
    }
  }

  private serving(workflow: string): string[] {
    return [...new Set(this.workers.values())].filter((deployment) => workflowsOf(deployment).map(nameOf).includes(workflow));
  }

  private codeOf(workflow: string): Code {
    return workflowsOf(this.held.get(workflow) as string).find((code) => code.workflow === workflow) as Code;
  }

  private lives(deployment: string): boolean {
    return [...this.workers.values()].includes(deployment);
  }
}

const nameOf = ({ workflow = '' }: Code): string => workflow;

function youngest(names: readonly string[], startOf: (name: string) => number): string | undefined {
  return [...names].sort((a, b) => startOf(b) - startOf(a))[0];
}
