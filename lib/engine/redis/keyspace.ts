/**
 * Builds the keys that TypeScript code touches by itself; the scripts build the same ones in `redis/script/prelude.lua`. All keys of a
 * namespace carry one hash tag, so they live in one slot and every script is atomic over all of them.
 * Payloads (inputs, outputs, progress, errors, event data, headers) are JSON, '' for undefined, or begin with `~` or `^` if a codec made them.
 *
 * | key                    | type   | what it holds |
 * |------------------------|--------|---------------|
 * | `run:<id>`             | hash   | metadata of a run, short fields only, so that Redis keeps it compact: they are in `stored-names.ts` |
 * | `data:<id>`            | hash   | its payloads: `i` input, `is` and `ip` what schema and pipes made of it in the first pass where that is other JSON, `o` output, `e` error, `s:<step>` records, `g:<step>` progress, `c:<step>` child id, `k:<place>` stamp of the last event it had of a place, `ev` envelope of the event that started it, `cx` cancel reason, `pt` number and place of the last point of no return, `pa` answers of `ctx.patched()`, `ce` errors of compensations, `fe` error of its failure hook, `bk` why it is blocked, `bd` which deployments have blocked it, `lb` steps left behind, `ro` failures that were to happen anew, `ua` steps not asked for, `x` headers of its creation |
 * | `passes:<id>`          | list   | history of passes, but for a run that ended in its first one and was not retried |
 * | `waiters:<id>`         | set    | channels of the clients that await its end |
 * | `parents:<id>`         | set    | runs and steps that wait for its end |
 * | `children:<id>`        | zset   | runs it started, by creation stamp |
 * | `canceling`            | hash   | canceled runs whose descendants are still to be canceled: stamp of the last child seen, whether to compensate, canceled run |
 * | `ending`               | set    | ended runs of which runs that wait for them, or places that they listen at, are still to be told |
 * | `listening:<id>`       | hash   | places and members of `listeners` by the step that waits for events |
 * | `list:<status><place>` | zset   | runs of one status letter, workflow and queue by creation stamp (µs, unique): a place is `<len>:<workflow><queue>` |
 * | `places`               | set    | places that have runs |
 * | `tagged:<len>:<name><value>` | zset | runs with a tag by creation stamp |
 * | `search:ids`, `search:keys`, `search:tags` | zset | what searchRuns looks in, all of score 0: run ids; idempotency keys and tag values, `<text>\0<id>` |
 * | `ended`, `packed`      | list   | ended runs in the order in which their retention began, those that are not packed yet and those after |
 * | `packing`              | string | set while a round of packing has begun less than a second ago |
 * | `hooks`                | list   | runs of failure hooks in the order of the failures; those that have ended are dropped as they are met |
 * | `queue:<queue>`        | zset   | queued runs by priority, then arrival |
 * | `suspects:<queue>`     | zset   | queued runs that crashed 3 workers in a row |
 * | `lane:<kind><len>:<route><queue>` | zset | queued runs that claims of workers which do not serve them have passed over, at their old positions; `q`, or `s` of suspects. A route is a workflow; NUL and the version it is pinned to, or NUL alone before it has begun; \\x01 and a deployment if it is reserved for that, \\x01 twice if it is only kept for it |
 * | `lanes:<queue>`        | zset   | kinds and routes of its lanes by a lower bound of the first position |
 * | `due`                  | zset   | parked and delayed runs by the time they go on; a NUL and a gate by the time at which its waiters may; a NUL, `q` and a place whose gates are still to be looked at |
 * | `line:<len>:<gate><place>` | zset | queued runs of a place, `<len>:<queue><route>`, blocked at a gate, in order of arrival: `m<len>:<wf>:<key>` mutex, `t<len>:<wf>:<key>` throttle, `c<wf>` maxConcurrency |
 * | `waiting:<gate>`       | zset   | places with such runs, by the position of the first |
 * | `passed:<place>`       | set    | gates that passed over such runs since the queue was paused or the route served by nobody |
 * | `handed:<place>`       | zset   | runs that hold something of a gate for a start still to come, by their position in its line |
 * | `gated:<queue>`        | set    | routes of its places that have either |
 * | `blocked:<wf>`, `blocked` | zset, set | queued runs whose code does not come to what is stored of them, by a stamp of when they were set aside; the workflows that have some |
 * | `reoffer`              | hash   | workflows whose blocked runs are to be offered to a deployment that has not tried them: stamp of the last one looked at |
 * | `mutex:<len>:<wf>:<key>` | string | run that holds the mutex |
 * | `starts:<len>:<wf>:<key>` | zset | runs that a throttle let start within its period, by time; those still to start last |
 * | `slots:<wf>`           | set    | runs that count for `maxConcurrency` |
 * | `controls`             | hash   | `c<workflow>` its maxConcurrency, `v<workflow>` its current version, `p<queue>` while that is paused, `l<queue>` while it has lanes, `set`: see `sets` |
 * | `open:<wf>`            | hash   | how many runs are open by kind: `v<version>` pinned to it, `h<version>` failed ones whose failure hook is still to come, `p1<id>` and `p0<id>` answered so by `ctx.patched()` |
 * | `idem:<len>:<wf>:<key>`| string | run id of an idempotency key, with its TTL |
 * | `debounce:<len>:<wf>:<key>` | string | debounced run that is yet to start |
 * | `merged:<id>` | string | debounced run that a create under this id has joined, for a minute |
 * | `rate:<len>:<wf>:<key>` | zset | runs that count for a rate limit, by creation time |
 * | `event:<id>`           | hash   | an event: fields are in `stored-names.ts` |
 * | `deliveries:<id>`, `resumed:<id>`, `fanout:<id>` | hash, list, list | what became of its subscribers, the runs it resumed, subscribers still to do |
 * | `events`, `events:<name>` | zset | events by stamp |
 * | `pending`              | set    | events with subscribers or waits still to do |
 * | `mail:<place>`         | zset   | events of a name and correlation key by stamp: a place is `<len>:<name>:<key>` |
 * | `listeners:<place>`    | zset   | open waits by the stamp of their registration |
 * | `triggers`             | hash   | subscriptions: `<len>:<workflow><pattern>` |
 * | `subscribers:<pattern>`, `wildcards` | set | workflows of a pattern, patterns with wildcards |
 * | `schedule:<id>`        | hash   | a schedule: likewise |
 * | `schedules`            | zset   | ids of schedules, by name |
 * | `declared:<workflow>`  | hash   | what its deployments declare: deployment → JSON |
 * | `held`                 | hash   | workflow → the deployment whose declaration holds |
 * | `registered:<workflow>` | set   | what of that is in place: `t<pattern>` subscriptions, `s<id>` schedules; `p<id>` pauses of schedules that are gone |
 * | `pauses`               | hash   | schedules that are gone and were paused: id → until when that is kept, `:`, workflow |
 * | `deployment:<id>`      | hash   | a deployment with living workers: `at` stamp of its start, `t<team>` for each of its teams |
 * | `team:<id>`            | hash   | the workers of a deployment that serve the same workflows: `dp` deployment, `wf` names of the workflows as JSON, `fa` ms for which these are kept while nobody serves them |
 * | `members:<team>`       | set    | its workers |
 * | `teams`, `teams:<workflow>` | set | all teams, those that serve a workflow |
 * | `unserved`             | zset   | known workflows that no team serves, by the time at which they are forgotten |
 * | `undecided`            | set    | workflows for which it is to be decided anew which deployment's declaration holds |
 * | `workers`              | zset   | worker ids by lease expiry |
 * | `worker:<id>`          | hash   | what a worker says of itself, `dp` its deployment, `tm` its team while it claims, and its last claim |
 * | `owned:<id>`           | set    | runs a worker executes |
 * | `wake:<id>`            | list   | what an idle worker blocks on |
 * | `set:<set>`            | set    | living workers that serve the same routes and queues in the same deployment: a set is 12 digits of the SHA-1 of these |
 * | `sets`                 | hash   | living sets: deployment and queues, JSON; `set` in `counters` and `controls` is the id of the only one, or `+` |
 * | `serves:<set>`, `servers:<route>`, `serving:<queue>` | set | what a set serves, a workflow or with NUL a version of it; the sets that do; the sets of a queue |
 * | `idle:<set>:<queue>`   | set    | workers of a set that have free slots for a queue |
 * | `queues`, `workflows`, `counters` | | names of queues, metadata by workflow, sequence numbers |
 * | `clock`                | string | offset of the test clock, under a `redflow-test:` prefix only |
 * | `selftest`             | string | made and deleted by the self-test of a boot |
 * | `moving`               |        | nothing, ever: see {@link Keyspace.declared} |
 */
export class Keyspace {
  /** The key every script is routed by. */
  readonly root: string;

  /**
   * What every script declares: the root and a second key, which never exist. While a cluster moves the slot, some of our keys are on
   * one node and some on another, and a script would take those that it misses for keys that are not there. A call that names several
   * keys, of which one is missing, is answered TRYAGAIN until all have arrived; one that names a single missing key runs on the new
   * node with half of them.
   */
  readonly declared: readonly [root: string, moving: string];

  constructor(readonly prefix: string) {
    this.root = `{${prefix}}`;
    this.declared = [this.root, `${this.root}:moving`];
  }

  /** What deployments declare of a workflow. */
  declarations(workflow: string): string {
    return `${this.root}:declared:${workflow}`;
  }

  data(runId: string): string {
    return `${this.root}:data:${runId}`;
  }

  passes(runId: string): string {
    return `${this.root}:passes:${runId}`;
  }

  run(runId: string): string {
    return `${this.root}:run:${runId}`;
  }

  wake(workerId: string): string {
    return `${this.root}:wake:${workerId}`;
  }

  endedChannel(listenerId: string): string {
    return `${this.root}:ended:${listenerId}`;
  }

  get clock(): string {
    return `${this.root}:clock`;
  }

  get triggers(): string {
    return `${this.root}:triggers`;
  }

  get workers(): string {
    return `${this.root}:workers`;
  }

  get workflows(): string {
    return `${this.root}:workflows`;
  }
}
