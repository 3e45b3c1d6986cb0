/**
 * What of the shared sources, and which transitions, a call makes at once, and what when it is first needed: docs/decisions/0013. Redis makes
 * every function of a script anew with each call, and with all of them a call took three times as long. Sources name each other's
 * functions as if they all were there; the build puts in how a name that is made on demand is come by.
 *
 * Files are in the order in which they use each other. A source that is in no list is a transition.
 */

/** Made at each call. */
export const ALWAYS = ['prelude', 'run-lists', 'queue', 'guard', 'create', 'terminate'];

/** What runs of every kind do all the time: made at each call, too. Functions of ALWAYS that none of them reaches are refused. */
export const FREQUENT = ['create-run', 'claim-runs', 'commit-step', 'finish-run', 'park-run', 'await-run'];

/** Made on demand, by groups, with what frequent transitions do seldom. All other transitions are in the last group. */
export const ON_DEMAND = {
  /** Where several sets of workers live, nearly every call needs these, and few need the rest. */
  routing: ['routes', 'lanes'],
  rare: [
    'packed-runs',
    'admission',
    'lines',
    'gates',
    'blocks',
    'versions',
    'sets',
    'deliver',
    'canceled-error',
    'start-hook',
    'unwind',
    'end-canceled',
    'requeue',
    'children',
    'cancel',
    'events',
    'listen',
    'fan-out',
    'deployments',
    'registry',
    'lists',
    'search',
  ],
};

/** Runs the operations. */
export const EPILOGUE = 'epilogue';
