export interface ReadDefinition {
  readonly file: string;
  readonly args: readonly string[];
  readonly keepsOwners: boolean;
}

export function readDefinitions(folder: string): Map<string, ReadDefinition>;
