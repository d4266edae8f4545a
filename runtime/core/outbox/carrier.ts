/** Carries an effect from the commit that claims it to its end. The dispatcher defines its steps. */
import type { EffectRow } from '../store/rows.ts';
import type { Outcome } from './handler.ts';

/** The outcome of a claimed effect, as JSON, before it is written. */
export type Ending =
  | { readonly do: 'conclude'; readonly outcome: Outcome }
  | { readonly do: 'fail'; readonly error: string; readonly thrown?: unknown }
  | { readonly do: 'try-again'; readonly nextAt: number; readonly error: string }
  | { readonly do: 'put-back'; readonly nextAt: number; readonly error: string; readonly at: number };

/** The two steps of an effect. Each may be repeated, after a crash also by another process. */
export interface Steps {
  /** Runs the handler. null: the engine stops, and the next owner goes on. */
  handle(): Promise<Ending | null>;
  /** Writes the outcome; `again`: it is to be handled once more. null: as in `handle`. */
  settle(ending: Ending): Promise<'written' | 'again' | null>;
}

export interface EffectCarrier {
  /** To be called before the first effect is adopted or claimed; may be called again. Throws `StoreTrouble`, and then no effect may be claimed yet. */
  start(): Promise<void>;
  /** An effect that this owner runs: its commit is made. Resolves when it is settled or belongs to another owner, or when the engine stops. */
  carry(row: EffectRow, steps: Steps): Promise<void>;
  /** The engine stops: running effects let go by themselves, and are awaited. */
  stop(): Promise<void>;
}

/** Carries effects in this process: after it ends, only the rows of the store remain. */
export const inProcess: EffectCarrier = {
  start: async () => {},
  async carry(_row, { handle, settle }) {
    for (;;) {
      const ending = await handle();
      if (ending === null || (await settle(ending)) !== 'again') return;
    }
  },
  stop: async () => {},
};
