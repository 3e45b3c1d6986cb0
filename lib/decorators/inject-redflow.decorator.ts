import { Inject, type InjectionToken } from '@nestjs/common';
import { RedflowClient } from '../engine/index.js';
import { DEFAULT_CONNECTION } from '../redflow.constants.js';

/**
 * The injection token of a connection's client: the class `RedflowClient` for the default connection, a string for a named one.
 * Use it in `inject:` lists and in `overrideProvider()`.
 */
export function getRedflowClientToken(name: string = DEFAULT_CONNECTION): InjectionToken<RedflowClient> {
  return name === DEFAULT_CONNECTION ? RedflowClient : `RedflowClient:${name}`;
}

/**
 * Injects the client of a named connection. The default one needs no decorator: `constructor(private client: RedflowClient)`.
 *
 * @param name the `name` given to `RedflowModule.forRoot()`; defaults to the default connection
 *
 * @example
 * ```ts
 * @Injectable()
 * export class Invoices {
 *   constructor(
 *     private readonly redflow: RedflowClient,
 *     @InjectRedflow('billing') private readonly billing: RedflowClient,
 *   ) {}
 * }
 * ```
 */
export function InjectRedflow(name?: string): PropertyDecorator & ParameterDecorator {
  return Inject(getRedflowClientToken(name));
}
