import type { Troubles } from '../../runtime/base/platform/poll-loop.ts';

/** For what is tested without an engine that would tell of it. */
export const noTroubles: Troubles = { failed() {}, worked() {} };
