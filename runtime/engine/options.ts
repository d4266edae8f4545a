/** The options of an embedding program's engine, and the engine's interface. Types alone: the implementation is no part of the public declarations. */
import type { AnyDefinition } from '../../actors/definition.ts';
import type { EngineError } from '../../machines/vocabulary/errors.ts';
import type { Client } from '../api/client/client.ts';
import type { RepoOverrides } from '../base/config/config.ts';
import type { Clock } from '../base/platform/clock.ts';
import type { Faults } from '../base/platform/faults.ts';
import type { Environment } from '../base/platform/home.ts';
import type { Log } from '../base/platform/log.ts';
import type { Embedding } from './embedding.ts';
import type { Machines } from './machines.ts';

/** The options of an engine. All of them may be left out. Times are milliseconds. */
export interface EngineOptions {
  /** Default: as the command line finds it. */
  home?: string;
  env?: Environment;
  faults?: Faults;
  clock?: Clock;
  log?: Log;
  /** Paths of repos to register, beside those of daemon.toml; naming one here is trusting its configuration as it is now. */
  repos?: readonly string[];
  /** Agents as a repo's configuration has them, in preference to all files; or as functions: `run` is the agent itself, `start` says which program is started. */
  agents?: NonNullable<RepoOverrides['agents']>;
  /** Hooks as functions, by their names: they get the events of every repo of this engine, beside the hooks of the repo's own configuration. */
  hooks?: NonNullable<RepoOverrides['hooks']>;
  /** Start only agents of plans that are watched, or were watched since the engine began, through `events({ watch: true })`. */
  onlyWatched?: boolean;
  /** Serve the control API on the home's socket. Default true. */
  serve?: boolean;
  /** Milliseconds between asking processes to end and killing them. Default 10,000. */
  graceMs?: number;
  /** Milliseconds before each further try of a hook. Default: eight of them over about eight hours. */
  hookRetryMs?: readonly number[];
  /** Milliseconds between two looks at an open pull request. Default: a minute. */
  pullRequestLookMs?: number;
  /** Milliseconds that a forge has to answer a verb about an issue. Default: five seconds. */
  forgeAnswerMs?: number;
  /** Milliseconds between two rounds of deleting old leftovers. Default: six hours. */
  cleaningEveryMs?: number;
  /** Milliseconds between two looks at an intake. Default: two seconds. */
  intakeLookMs?: number;
  /** Milliseconds between two readings of a chat. Default: as its service allows. */
  chatLookMs?: number;
  /** Milliseconds to wait for an owner of the home that is about to stop. Default 0. */
  waitForHomeMs?: number;
  /** Another daemon.toml than the home's; it must exist. */
  configFile?: string;
  /** User-defined machines, from `defineMachine`; beside those of daemon.toml. */
  machines?: readonly AnyDefinition[];
  /** A database of PostgreSQL for the store, over daemon.toml: its URL, or `env:NAME`. */
  store?: string;
  /** The store's size in pages, to see what a full one does. */
  maxPageCount?: number;
}

/** An engine that owns its home until `stop` is called. */
export interface Engine<D extends AnyDefinition = AnyDefinition> extends Embedding {
  readonly home: string;
  /** The user-defined machines, by their names. */
  readonly machines: Machines<D>;
  /** The control API over this very engine. */
  readonly client: Client;
  /** The control API, to be mounted in a server. */
  fetch(request: Request): Response | Promise<Response>;
  /**
   * Serves the page of `stator inspect` on 127.0.0.1 until the engine stops, and answers its address, which holds a token; with `stately` that of the bridge
   * to Stately, and the WebSocket for `@statelyai/inspect`. Default port: the same as before, else a free one. Throws `unavailable`, `home_unusable`.
   */
  inspect(options?: { port?: number; stately?: boolean }): Promise<{ url: string; websocket?: string }>;
  /** Why it does nothing any more: it was stopped, or its store or the lock of its home was deleted or replaced; null: it works. */
  loss(): EngineError | null;
  /** The plans, each as `<project>/<plan>`, that were watched and are not watched now: with `onlyWatched` it goes on with them. */
  unwatched(): readonly string[];
  /** `leave`: agents go on and are adopted by the next owner; `stop`: they are ended first, no attempt spent. May be called twice. */
  stop(options?: { agents?: 'leave' | 'stop' }): Promise<void>;
}
