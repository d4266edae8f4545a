/** How one try of a hook ended. */
export type HookTry =
  | { readonly kind: 'delivered'; readonly status: number | null; readonly output: string | null }
  | {
      readonly kind: 'failed';
      /** For people; no secret, and of an address its origin alone. */
      readonly error: string;
      /** Whether another try may help. */
      readonly retries: boolean;
      /** The receiver wants nothing more of this hook, ever. */
      readonly isGone: boolean;
      /** When the receiver wants it again; null: it did not say. */
      readonly retryAfterMs: number | null;
      /** HTTP status, or exit code of a command; null: there was none. */
      readonly status: number | null;
      readonly output: string | null;
    };

type Failed = Extract<HookTry, { kind: 'failed' }>;

/** A try that failed; without more it is not tried again. */
export function failedTry(error: string, more: Partial<Omit<Failed, 'kind' | 'error'>> = {}): Failed {
  const nothing = { retries: false, isGone: false, retryAfterMs: null, status: null, output: null };
  return { kind: 'failed', error, ...nothing, ...more };
}
