import type { HostRule } from '../../../base/platform/host-rules.ts';

/** A proxy's settings: a file in its run's folder, which no agent inside walls can write. Without zod, because a proxy must start fast. */
export interface EgressSettings {
  /** Its socket: a path in a folder that is visible inside the walls. */
  readonly socket: string;
  readonly hosts: readonly HostRule[];
  /** The file for its refusals. */
  readonly refusals: string;
}

/** The port inside walls, where no other program listens. It is above the kernel's ephemeral ports. */
export const proxyPort = 61_128;
