export function buildScript(
  texts: ReadonlyMap<string, string>,
  tables: Readonly<Record<string, Readonly<Record<string, string>>>>,
): string;
