/** How one try of a hook ended. */
import type { Change } from '../../core/store/port.ts';

export type HookTry =
  | {
      readonly kind: 'delivered';
      readonly status: number | null;
      readonly output: string | null;
      /** Stored with the end of the delivery. Default: nothing else. */
      readonly changes?: readonly Change[];
    }
  | {
      readonly kind: 'failed';
      /** For people; without secrets, and with only the origin of an address. */
      readonly error: string;
      /** Whether another try may help. */
      readonly retries: boolean;
      /** The receiver wants no more deliveries of this hook. */
      readonly isGone: boolean;
      /** The time that the receiver named for the next try; null: none. */
      readonly retryAfterMs: number | null;
      /** HTTP status, or exit code of a command; null: there was none. */
      readonly status: number | null;
      readonly output: string | null;
    };

type Failed = Extract<HookTry, { kind: 'failed' }>;

/** A failed try; by default it is not repeated. */
export function failedTry(error: string, more: Partial<Omit<Failed, 'kind' | 'error'>> = {}): Failed {
  const nothing = { retries: false, isGone: false, retryAfterMs: null, status: null, output: null };
  return { kind: 'failed', error, ...nothing, ...more };
}
