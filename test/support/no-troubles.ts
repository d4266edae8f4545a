import type { Troubles } from '../../runtime/base/platform/poll-loop.ts';

/** For tests without an engine that would report troubles. */
export const noTroubles: Troubles = { failed() {}, worked() {} };
