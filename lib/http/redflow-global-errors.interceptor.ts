import { type CallHandler, type ExecutionContext, Injectable } from '@nestjs/common';
import { ApplicationConfig, HttpAdapterHost, ModuleRef } from '@nestjs/core';
import type { Observable } from 'rxjs';
import { REDFLOW_RESOLVED_OPTIONS } from '../redflow.constants.js';
import type { ResolvedRedflowOptions } from '../redflow.options.js';
import { RedflowErrorsInterceptor } from './redflow-errors.interceptor.js';

/** The {@link RedflowErrorsInterceptor} of the whole application, which the options of the module turn off. */
@Injectable()
export class RedflowGlobalErrorsInterceptor extends RedflowErrorsInterceptor {
  private isOn?: boolean;

  constructor(
    config: ApplicationConfig,
    adapterHost: HttpAdapterHost,
    private readonly module: ModuleRef,
  ) {
    super(config, adapterHost);
  }

  override intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    // Not injected: if the options are request-scoped, Nest would refuse the interceptor, in words that do not say what is wrong.
    this.isOn ??= this.module.get<ResolvedRedflowOptions>(REDFLOW_RESOLVED_OPTIONS, { strict: true }).httpErrors;
    return this.isOn ? super.intercept(context, next) : next.handle();
  }
}
