import type { StepsOf } from '../engine/framework.js';
import type { ClientOptions } from '../engine/index.js';
import type { RedflowOrchestrator } from './redflow.orchestrator.js';

/** How `RedflowTestingModule` takes the connections of an application over. */
export interface RedflowTestSeam {
  /** The steps that handlers get. */
  readonly stepsOf: StepsOf;
  /** Options that one `RedflowModule` has to use, whatever it was given. */
  connection(): Promise<ClientOptions>;
  /** A connection was made with these options. */
  adopt(orchestrator: RedflowOrchestrator, options: ClientOptions): void;
}
