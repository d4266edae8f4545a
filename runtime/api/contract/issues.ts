/** Sessions of issues as `--json` prints and the control API answers them. */
import { z } from 'zod';
import { status, time } from './shared-shapes.ts';

export const issueEntry = z
  .object({
    /** `host/owner/repo#n`; null: the session has no issue. */
    reference: z.string().nullable(),
    project: z.string(),
    plan: z.string(),
    title: z.string().nullable(),
    status,
    phase: z.string().nullable(),
    blocked: z.string().nullable(),
    /** Whether its agent is running. */
    running: z.boolean(),
    branch: z.string(),
    worktree: z.string(),
    pull_request: z.string().nullable(),
    created_at: time,
    updated_at: time,
  })
  .meta({ id: 'IssueSession' });
/** A session of an issue: its plan, its state, its pull request. */
export interface IssueEntry extends z.infer<typeof issueEntry> {}

/** `started`: its agent works. `queued`: it waits for a slot, or for an engine. `told`: its agent was running, and has the message. `resumed`: it goes on. */
export const issueStarted = z
  .object({
    status: z.enum(['started', 'queued', 'told']),
    session: issueEntry,
    /** Notes, one line each, such as a forge that did not answer. */
    notes: z.array(z.string()),
  })
  .meta({ id: 'IssueStarted' });
/** A session that was begun or continued. */
export interface IssueStarted extends z.infer<typeof issueStarted> {}

export const issueImported = z
  .object({ status: z.enum(['imported', 'known']), session: issueEntry })
  .meta({ id: 'IssueImported' });
/** A session that was taken over from another program, or existed already. */
export interface IssueImported extends z.infer<typeof issueImported> {}

/** Reasons against destroying a session. */
export const issueDangers = ['pull_request', 'uncommitted', 'unpushed', 'running'] as const;
/** A reason against destroying a session. */
export type IssueDanger = (typeof issueDangers)[number];

export const issueDestroyed = z
  .object({ status: z.literal('destroyed'), project: z.string(), plan: z.string(), notes: z.array(z.string()) })
  .meta({ id: 'IssueDestroyed' });
/** A session that was removed, with everything that was deleted with it. */
export interface IssueDestroyed extends z.infer<typeof issueDestroyed> {}

export const issuesPruned = z
  .object({
    destroyed: z.array(z.object({ project: z.string(), plan: z.string(), why: z.string() })),
    kept: z.array(z.object({ project: z.string(), plan: z.string(), why: z.string() })),
  })
  .meta({ id: 'IssuesPruned' });
/** The sessions that were removed because they are over, and those that stay, each with the reason. */
export interface IssuesPruned extends z.infer<typeof issuesPruned> {}

export const issueContext = z
  .object({
    reference: z.string().nullable(),
    project: z.string(),
    plan: z.string(),
    messages: z.array(z.object({ by: z.enum(['person', 'agent']), content: z.string(), at: time })),
  })
  .meta({ id: 'IssueContext' });
/** The context of a session: the issue, its messages, and the place of the work. */
export interface IssueContext extends z.infer<typeof issueContext> {}

export const issueCommented = z
  .object({ status: z.literal('commented'), url: z.string() })
  .meta({ id: 'IssueCommented' });
/** A comment that was written on an issue. */
export interface IssueCommented extends z.infer<typeof issueCommented> {}
