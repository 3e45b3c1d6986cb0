import { describe, it } from '@jest/globals';
import * as typescript from '@typescript-eslint/parser';
import { RuleTester } from 'eslint';

RuleTester.describe = describe;
RuleTester.it = it;

/** Tests rules on TypeScript, without information about types. */
export const onTypeScript = new RuleTester({ languageOptions: { parser: typescript } });

/** Tests rules on JavaScript, with the parser that ESLint has. */
export const onJavaScript = new RuleTester({ languageOptions: { sourceType: 'module' } });

const IMPORTS = `
import { Injectable } from '@nestjs/common';
import { currentRun, defineWorkflow, type FailureContext, OnCron, OnEvent, OnFailure, Step, type StepApi, Workflow, type WorkflowContext } from 'nestjs-redflow';
`;

/** A workflow class with this code as the body of `run(ctx)`, and these members beside it. */
export function workflow(body: string, members = ''): string {
  return `${IMPORTS}
@Workflow('order')
@Injectable()
export class OrderWorkflow {
  ${members}
  async run(ctx: WorkflowContext<Order>) {
    ${body}
  }
}`;
}

/** Code that has imported what an application needs of the package. */
export function code(text: string): string {
  return `${IMPORTS}\n${text}`;
}
