/**
 * How the command line asks: the control API of whoever owns the home, over its socket, or the same app over an engine of its own
 * for a moment. Callers cannot tell the two apart, but for the note.
 */
import type {
  Explanation,
  FactEntry,
  HistoryEntry,
  InstanceEntry,
  PlanEntry,
  PlanShow,
  QueueEntry,
  RepoAdded,
  RepoEntry,
  SignalAnswer,
  SignalEntry,
  StatusAnswer,
} from './shapes.ts';

export type * from './shapes.ts';

export interface SendRequest {
  project: string;
  plan: string;
  type: string;
  payload?: unknown;
  /** The same key again answers with the first one's id and outcome. */
  dedupeKey?: string;
  /** How long to wait for the verdict; 0 does not wait. */
  waitMs?: number;
}

export interface Client {
  /** `no engine runs` where this client is an engine of its own for a moment; null where it speaks to one. */
  readonly note: string | null;
  status(): Promise<StatusAnswer>;
  repos(): Promise<RepoEntry[]>;
  /** Registers a repo by any path inside it. 409 `untrusted` where its config starts programs and `trust` is false. */
  addRepo(path: string, options: { trust: boolean }): Promise<RepoAdded>;
  plans(project?: string): Promise<PlanEntry[]>;
  plan(project: string, plan: string): Promise<PlanShow>;
  registerPlan(request: {
    project: string;
    plan: string;
    content: string;
    branch?: string;
    topic?: string;
  }): Promise<PlanShow>;
  updateContent(project: string, plan: string, content: string): Promise<SignalAnswer>;
  deletePlan(project: string, plan: string): Promise<void>;
  history(project: string, plan: string, options?: { after?: number }): Promise<HistoryEntry[]>;
  explain(project: string, plan: string): Promise<Explanation>;
  send(request: SendRequest): Promise<SignalAnswer>;
  signals(filter: { project?: string; plan?: string; status?: string }): Promise<SignalEntry[]>;
  signal(id: number): Promise<SignalEntry>;
  retrySignal(id: number): Promise<SignalAnswer>;
  instances(filter: { project?: string; plan?: string }): Promise<InstanceEntry[]>;
  /** The end of an instance's log, at most 64 KiB, safe to print. */
  capture(project: string, title: string): Promise<string>;
  killInstance(project: string, title: string): Promise<SignalAnswer>;
  queue(): Promise<QueueEntry[]>;
  /** A machine's definition: the same that runs. */
  machine(name: string, format: 'mermaid' | 'json'): Promise<string>;
  /** Facts from `since` on, then live. While it is open with `watch`, the owner starts that plan's agents. */
  events(options: {
    since?: number;
    project?: string;
    plan?: string;
    watch?: boolean;
    signal: AbortSignal;
  }): AsyncIterable<FactEntry>;
  close(): Promise<void>;
}

export interface ConnectOptions {
  env: NodeJS.ProcessEnv;
  /** `read` opens the store read-only where nobody owns the home; `write` becomes the owner for a moment. */
  mode: 'read' | 'write';
}

/** Connects to the owner of the home, or becomes one for a moment, or reads. Throws what the store and the home throw. */
export declare function connect(options: ConnectOptions): Promise<Client>;
