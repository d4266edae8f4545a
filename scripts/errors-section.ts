/** Every error code, with its HTTP status and exit code. */
import { errorClasses } from '../machines/vocabulary/errors.ts';
import { code, markdownTable } from './markdown.ts';

export function errorTable(): string {
  const rows = Object.entries(errorClasses).map(([name, { status, exitCode, retry }]) => [
    code(name),
    String(status),
    String(exitCode),
    retry === 'wait' ? 'waited for' : retry ? 'yes' : 'no',
  ]);
  return markdownTable(['code', 'HTTP status', 'exit code', 'can trying again help?'], rows);
}
