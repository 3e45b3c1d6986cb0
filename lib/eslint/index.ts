/**
 * A plugin for ESLint 9 and 10: mistakes in workflows that a type checker does not see.
 *
 * @module nestjs-redflow/eslint
 */

import { readFileSync } from 'node:fs';
import type { ESLint, Linter, Rule } from 'eslint';
import { noConstantStepNameInLoop } from './rules/no-constant-step-name-in-loop.js';
import { noFloatingStep } from './rules/no-floating-step.js';
import { noNestedStep } from './rules/no-nested-step.js';
import { noNondeterminismInHandler } from './rules/no-nondeterminism-in-handler.js';

const NAMESPACE = 'redflow';

/** The names of the rules; a configuration puts `redflow/` before them. */
export type RedflowRuleName =
  | 'no-constant-step-name-in-loop'
  | 'no-floating-step'
  | 'no-nested-step'
  | 'no-nondeterminism-in-handler';

/** The plugin as configurations use it. */
export interface RedflowPlugin extends ESLint.Plugin {
  readonly meta: { readonly name: string; readonly version: string; readonly namespace: string };
  readonly rules: Record<RedflowRuleName, Rule.RuleModule>;
  readonly configs: {
    /** The plugin and all of its rules, as errors. */
    readonly recommended: Linter.Config;
  };
}

const { name, version }: { name: string; version: string } = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
);

// The rules are written against the tree that the parser for TypeScript makes, which has more kinds of nodes than ESLint's own types say.
const rules = {
  'no-constant-step-name-in-loop': noConstantStepNameInLoop,
  'no-floating-step': noFloatingStep,
  'no-nested-step': noNestedStep,
  'no-nondeterminism-in-handler': noNondeterminismInHandler,
} as unknown as Record<RedflowRuleName, Rule.RuleModule>;

const plugins: Record<string, ESLint.Plugin> = {};

/**
 * The plugin. `configs.recommended` brings itself and all of its rules.
 *
 * @example
 * // eslint.config.mjs
 * import redflow from 'nestjs-redflow/eslint';
 *
 * export default [redflow.configs.recommended];
 */
const plugin: RedflowPlugin = {
  meta: { name, version, namespace: NAMESPACE },
  rules,
  configs: {
    recommended: {
      name: `${name}/recommended`,
      plugins,
      rules: Object.fromEntries(Object.keys(rules).map((rule) => [`${NAMESPACE}/${rule}`, 'error'] as const)),
    },
  },
};
// The plugin itself: ESLint refuses two objects under one name, and an application may list it beside the configuration.
plugins[NAMESPACE] = plugin;

export default plugin;
