import type { TSESLint } from '@typescript-eslint/utils';
import { mentionsRedflow } from './redflow-names.js';
import { type WorkflowCode, workflowCodeOf } from './workflow-code.js';

interface RuleSource<M extends string> {
  readonly description: string;
  readonly messages: Record<M, string>;
  readonly hasSuggestions?: boolean;
  listen(context: Readonly<TSESLint.RuleContext<M, []>>, code: WorkflowCode): TSESLint.RuleListener;
}

/** A rule without options about workflow code. It costs nothing in files that do not import the package. */
export function defineRule<M extends string>({
  description,
  messages,
  hasSuggestions,
  listen,
}: RuleSource<M>): TSESLint.RuleModule<M> {
  return {
    meta: { type: 'problem', docs: { description }, messages, schema: [], ...(hasSuggestions && { hasSuggestions }) },
    defaultOptions: [],
    create(context) {
      return mentionsRedflow(context.sourceCode) ? listen(context, workflowCodeOf(context.sourceCode)) : {};
    },
  };
}
