/** Other inputs for a plan's past: names as in the configuration, and the resulting policy. */
import type { z } from 'zod';
import { EngineError } from '../../machines/vocabulary/errors.ts';
import { type Role, roles } from '../../machines/vocabulary/ids.ts';
import { type Policy, policySchema, type RolePolicy } from '../../machines/vocabulary/policy.ts';
import { issueText } from '../../machines/vocabulary/schema-issue.ts';
import type { WhatIfQuestion } from '../api/contract/plans.ts';
import { agentLimits } from '../base/config/config.ts';
import { durationMs } from '../base/config/duration.ts';
import { didYouMean } from '../base/config/nearest.ts';
import type { Limits } from '../core/outbox/slots.ts';
import type { Permissions } from './recorded-past.ts';

export interface OtherInputs {
  /** null: it is unchanged. */
  readonly policy: ((policy: Policy) => Policy) | null;
  readonly limits: Partial<Limits>;
  readonly permissions: ReadonlyMap<Role, Permissions>;
}

/** Keys about other plans, or about cleaning up, have no effect here. */
const {
  roles: _roles,
  priority: _priority,
  max_active_plans: _plans,
  cleanup_age_ms: _age,
  ...flags
} = policySchema.shape;
const rolePolicy = policySchema.shape.roles.shape.coder.shape;

const limitNames = {
  max_agents: 'workers',
  max_agents_per_repo: 'workersPerRepo',
  max_coordinators: 'coordinators',
} as const satisfies Record<string, keyof Limits>;

const roleKeys = ['on', 'attempts', 'timeout', 'idle_timeout', 'permissions', 'permission_timeout'] as const;
type RoleKey = (typeof roleKeys)[number];

const names = [
  ...Object.keys(limitNames),
  ...Object.keys(flags),
  ...roles.flatMap((role) => roleKeys.map((key) => `${role}.${key}`)),
];

/** Throws `bad_request` for an unknown name or value. */
export function otherInputs(given: WhatIfQuestion['policy']): OtherInputs {
  const limits: { -readonly [Name in keyof Limits]?: number } = {};
  const changes: ((policy: Policy) => Policy)[] = [];
  const permissions = new Map<Role, Permissions>();
  for (const [name, value] of Object.entries(given ?? {})) {
    if (isKey(limitNames, name)) limits[limitNames[name]] = limitOf(name, value);
    else if (isKey(flags, name)) {
      const read = readValue<unknown>(name, value, flags[name]);
      changes.push((policy) => ({ ...policy, [name]: read }));
    } else {
      const { role, key } = roleKeyOf(name);
      if (key === 'permissions' || key === 'permission_timeout') {
        const before = permissions.get(role) ?? { skip: false, timeoutMs: null };
        permissions.set(role, { ...before, ...permissionField(name, key, value) });
      } else changes.push(roleChange(role, roleField(name, key, value)));
    }
  }
  const policy = (before: Policy) => changes.reduce((changed, change) => change(changed), before);
  return { policy: changes.length === 0 ? null : policy, limits, permissions };
}

function isKey<Table extends object>(table: Table, name: string): name is string & keyof Table {
  return Object.hasOwn(table, name);
}

function limitOf(name: keyof typeof limitNames, value: unknown): number {
  const read = agentLimits[name].safeParse(value);
  if (read.success) return read.data;
  throw unfit(name, value, `give ${read.error.issues[0]?.message}`);
}

function roleKeyOf(name: string): { readonly role: Role; readonly key: RoleKey } {
  const [role, key, ...more] = name.split('.');
  const isKnown = roles.some((known) => known === role) && roleKeys.some((known) => known === key) && more.length === 0;
  if (!isKnown) throw unknownName(name);
  return { role: role as Role, key: key as RoleKey }; // they are among them
}

function roleChange(role: Role, field: Partial<RolePolicy>): (policy: Policy) => Policy {
  return (policy) => ({ ...policy, roles: { ...policy.roles, [role]: { ...policy.roles[role], ...field } } });
}

/** The questions of a program that asked none cannot be known. */
function permissionField(
  name: string,
  key: 'permissions' | 'permission_timeout',
  value: unknown,
): Partial<Permissions> {
  if (key === 'permissions') {
    if (value === 'skip') return { skip: true };
    throw unfit(name, value, 'give skip: what agents would ask is known only where they did ask');
  }
  return { timeoutMs: durationOf(name, value) };
}

function durationOf(name: string, value: unknown): number {
  const ms = typeof value === 'string' ? durationMs(value) : null;
  if (ms === null || ms === 0) throw unfit(name, value, 'give a duration such as 30m');
  return ms;
}

function roleField(
  name: string,
  key: Exclude<RoleKey, 'permissions' | 'permission_timeout'>,
  value: unknown,
): Partial<RolePolicy> {
  if (key === 'on') return { on: readValue(name, value, rolePolicy.on) };
  if (key === 'attempts') return { attempts: readValue(name, value, rolePolicy.attempts) };
  if (key === 'idle_timeout' && value === '') return { idleMs: null };
  const ms = durationOf(name, value);
  return key === 'timeout' ? { timeoutMs: ms } : { idleMs: ms };
}

function readValue<Value>(name: string, value: unknown, schema: z.ZodType<Value>): Value {
  const read = schema.safeParse(value);
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  throw unfit(name, value, issue === undefined ? 'see docs/configuration.md' : `it ${issueText(issue)}`);
}

function unfit(name: string, value: unknown, hint: string): EngineError {
  return new EngineError('bad_request', `policy: ${name} is ${JSON.stringify(value)}`, hint);
}

function unknownName(name: string): EngineError {
  const roleWords = `and of a role (${roles.join(', ')}) ${roleKeys.map((key) => `<role>.${key}`).join(', ')}`;
  return new EngineError(
    'bad_request',
    `policy: there is no "${name.slice(0, 60)}" that matters to a plan`,
    `${didYouMean(name, names)}there are ${[...Object.keys(limitNames), ...Object.keys(flags)].join(', ')}, ${roleWords}`,
  );
}
