/** The one source of time. Tests bring their own; nothing below the runtime has one. */
export interface Clock {
  nowMs(): number;
}

export const systemClock: Clock = { nowMs: () => Date.now() };
