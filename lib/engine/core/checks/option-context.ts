import { InvalidOptionError } from '../errors/option.errors.js';

/**
 * Adds to which workflow or step a refused option belongs.
 *
 * @param where the owner, with its name: `workflow "charge"`
 * @throws whatever `check` throws
 */
export function withOptionOwner<T>(where: string, check: () => T): T {
  try {
    return check();
  } catch (error) {
    if (!(error instanceof InvalidOptionError)) throw error;
    throw new InvalidOptionError(error.option, `${error.message} (${where})`);
  }
}
