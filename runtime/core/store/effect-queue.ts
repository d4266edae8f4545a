/** The part of a store of several hosts for the carrier of their effects: the commit that claims an effect enqueues its workflow. */
import type { DBOSConfig } from '@dbos-inc/dbos-sdk';
import type { EffectRow } from './rows.ts';

/** Where DBOS finds the effects that this host has claimed. */
export interface EffectQueue {
  /** The schema of DBOS's own tables, in the database of the store. */
  readonly schema: string;
  readonly application: string;
  readonly version: string;
  readonly workflow: string;
}

export type Pool = NonNullable<DBOSConfig['systemDatabasePool']>;

export interface Enqueuing {
  /** More connections to the same database. The caller ends them. */
  pool(): Promise<Pool>;
  /** The schema of the store's own tables. */
  schema(): Promise<string>;
  /** Runs it while no other program changes a schema of this database in the same way. */
  whileAlone<T>(work: () => Promise<T>): Promise<T>;
  /** From now on each commit that claims or adopts an effect of this host enqueues its workflow, on the queue of the host's name. */
  enqueueInto(queue: EffectQueue): void;
}

type Taken = Pick<EffectRow, 'key' | 'attempts' | 'started_at'>;

/** The id of the workflow. An effect that is claimed again gets a new workflow. */
export function workflowIdOf({ key, attempts, started_at: at }: Taken): string {
  return `${key} ${attempts} ${at}`;
}

/** The same in SQL, over a row of the effects. */
export const workflowIdSql = "key || ' ' || attempts || ' ' || started_at";

/** The key of the effect of a workflow. */
export function keyOfWorkflow(id: string): string {
  return id.split(' ').slice(0, -2).join(' ');
}
