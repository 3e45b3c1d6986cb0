import type { LoggerPort } from './api/values.types.js';

/** The logger of those who name none: warnings and errors become process warnings, which Node prints to stderr. */
export const processWarnings: LoggerPort = {
  log: () => undefined,
  warn: (message, fields) => process.emitWarning(lineOf(message, fields), 'RedflowWarning'),
  error: (message, fields) => process.emitWarning(lineOf(message, fields), 'RedflowError'),
};

function lineOf(message: string, fields: object | undefined): string {
  return fields && Object.keys(fields).length > 0 ? `${message} ${JSON.stringify(fields)}` : message;
}
