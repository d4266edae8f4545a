import type { HostRule } from '../../../base/platform/host-rules.ts';

/** What a proxy is told: a file in the folder of its run, which no agent inside of walls can write. Without zod: a proxy is to start fast. */
export interface EgressSettings {
  /** Where it listens: a path in a folder that the walls show. */
  readonly socket: string;
  readonly hosts: readonly HostRule[];
  /** Where it writes what it refused. */
  readonly refusals: string;
}

/** Inside of walls nothing else has ports. Above those that the kernel gives away by itself. */
export const proxyPort = 61_128;
