/** `--wait-limit`: how long a verb waits where no person would end it. */
import { EngineError } from '../machines/vocabulary/errors.ts';
import { durationMs } from '../runtime/base/config/duration.ts';

export const waitLimitArg = {
  'wait-limit': {
    type: 'string',
    valueHint: 'dur',
    description: 'longest wait without progress, such as 30m',
  },
} as const;

/** null: it waits for as long as it takes. Throws `usage`. */
export function waitLimitOf(given: string | undefined): number | null {
  if (given === undefined) return null;
  const ms = durationMs(given);
  if (ms !== null) return ms;
  const message = `--wait-limit ${JSON.stringify(given)} is no duration`;
  throw new EngineError('usage', message, 'write one number and its unit: 45s, 30m, 12h or 2d');
}
