import type { Client } from './control/client.ts';
import type { Faults } from './faults.ts';

export interface EngineOptions {
  /** Default: as the command line finds it. */
  home?: string;
  env?: NodeJS.ProcessEnv;
  faults?: Faults;
  /** Start only agents of plans that somebody watches through `events({ watch: true })`. */
  onlyWatched?: boolean;
  /** Serve the control API on the home's socket. Default true. */
  serve?: boolean;
}

export interface Engine {
  readonly home: string;
  /** The control API over this very engine. */
  readonly client: Client;
  /** `leave`: agents go on and are adopted by the next owner; `stop`: they are ended first. May be called twice. */
  stop(options?: { agents?: 'leave' | 'stop' }): Promise<void>;
}
export declare function createEngine(options?: EngineOptions): Promise<Engine>;
