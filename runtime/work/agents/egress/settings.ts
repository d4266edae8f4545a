/** What a proxy is told: a file in the folder of its run, which no agent inside of walls can write. Without zod: a proxy is to start fast. */
export interface EgressSettings {
  /** Where it listens: a path in a folder that the walls show. */
  readonly socket: string;
  /** As a configuration writes them. */
  readonly hosts: readonly string[];
  /** Where it writes what it refused. */
  readonly refusals: string;
}

/** Inside of walls nothing else has ports. Above those that the kernel gives away by itself. */
export const proxyPort = 61_128;
