/** Errors of a request that sends a signal, if the signal is not admitted and so gets no verdict. */
import type { ErrorCode } from '../../../machines/vocabulary/errors.ts';

export const admissionErrors = [
  'unauthorized',
  'not_allowed',
  'repo_not_found',
  'untrusted',
  'plan_not_found',
  'bad_payload',
  'too_large',
] as const satisfies readonly ErrorCode[];
