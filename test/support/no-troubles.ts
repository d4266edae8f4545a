import type { Troubles } from '../../runtime/base/platform/troubles.ts';

/** For what is tested without an engine that would tell of it. */
export const noTroubles: Troubles = { failed() {}, worked() {} };
