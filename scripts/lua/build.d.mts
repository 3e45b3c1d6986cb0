import type { ReadDefinition } from './definitions.mjs';

export function buildScript(
  texts: ReadonlyMap<string, string>,
  tables: Readonly<Record<string, Readonly<Record<string, string>>>>,
  definitions: ReadonlyMap<string, ReadDefinition>,
): string;
