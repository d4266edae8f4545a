/** The description of each kind of signal, and the shapes that payloads are made of: every text and number has its limit. */
import { z } from 'zod';
import { planDocumentLimitBytes } from './plan-file.ts';

/** A signal's body as it comes from outside; the engine's own signals carry plan documents as well. */
export const signalBodyLimitBytes = 64 * 1024;

export const text = z.string().max(signalBodyLimitBytes);
export const none = z.strictObject({});
export const count = z.int().min(1).max(9999);
/** The full id of a commit, in a repository of either object format. */
export const sha = z
  .string()
  .regex(/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/, "must be a commit's full id, 40 or 64 digits of 0-9 and a-f");
export const word = z.string().min(1).max(256);
/** A run's question: eight hex digits, which people can copy. */
export const permissionId = z
  .string()
  .regex(/^[0-9a-f]{8}$/, { error: 'must be eight hex digits, as the question shows them' });
export const document = z.string().max(planDocumentLimitBytes);
/** The file that a plan is bound to: its path from the repo's root with `/`, absolute where it lies outside. */
export const planFile = z.string().min(1).max(4096);
/** The name of a family of plan documents. */
export const planFamily = z.string().min(1).max(64);

/** The sender of a signal: the engine, or one of those that a signal names as its senders. `machine`: a tree of a user-defined machine. */
export type Sender = 'person' | 'agent' | 'file' | 'machine' | 'engine';
type Senders = readonly Exclude<Sender, 'engine'>[];

export const anyone = ['person', 'agent', 'file', 'machine'] as const satisfies Senders;
/** A user-defined machine acts for the person who brought it. */
export const person = ['person', 'machine'] as const satisfies Senders;
export const machine = ['machine'] as const satisfies Senders;
export const engineOnly = [] as const satisfies Senders;

/** The actor a signal goes to: a root, or an actor inside the plan's tree that the sender names by wave and task, title or run. */
export type Addressee = 'plan' | 'task' | 'agent' | 'repo' | 'landing' | 'supervisor';

/** The description of a signal before a tree takes it. */
export interface SignalKind {
  readonly payload: z.ZodType;
  /** The senders that are allowed besides the engine, which may send everything. */
  readonly from: Senders;
  readonly aliases?: readonly string[];
  /** Its schema limits it, not the general limit of bodies. */
  readonly isDocument?: boolean;
}

/** A signal of the table: it has one addressee, and its payload has names. */
export interface NamedSignalKind extends SignalKind {
  readonly payload: z.ZodType<Record<string, unknown>>;
  readonly to: Addressee;
  /** One line for people: what the signal does. */
  readonly does: string;
}
