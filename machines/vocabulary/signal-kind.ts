/** What is said of each kind of signal, and the shapes that payloads are made of: every text and number has its limit. */
import { z } from 'zod';
import { planDocumentLimitBytes } from './plan-file.ts';

/** A signal's body as it comes from outside; the engine's own carry plan documents as well. */
export const signalBodyLimitBytes = 64 * 1024;

export const text = z.string().max(signalBodyLimitBytes);
export const none = z.strictObject({});
export const count = z.int().min(1).max(9999);
export const sha = z.string().regex(/^[0-9a-f]{40}$/);
export const word = z.string().min(1).max(256);
/** A run's question: eight hex digits, which people can copy. */
export const permissionId = z
  .string()
  .regex(/^[0-9a-f]{8}$/, { error: 'must be eight hex digits, as the question shows them' });
export const document = z.string().max(planDocumentLimitBytes);
/** The file that a plan is bound to: its path from the repo's root with `/`, absolute where it lies outside. */
export const planFile = z.string().min(1).max(4096);

/** Who may send: `anyone` is a person, an agent or a file; the engine may send everything. */
type Sender = 'anyone' | 'person' | 'engine';
/** The actor a signal goes to: a root, or an actor inside the plan's tree that the sender names by wave and task, title or run. */
type Addressee = 'plan' | 'task' | 'agent' | 'repo' | 'supervisor';

export interface SignalKind {
  readonly payload: z.ZodType<Record<string, unknown>>;
  readonly from: Sender;
  readonly to: Addressee;
  readonly aliases?: readonly string[];
  /** One line for people: what the signal does. */
  readonly does: string;
}
