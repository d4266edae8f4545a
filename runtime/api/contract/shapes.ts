/** All shapes as one value, for the schemas of operations. */
export * from './accounts.ts';
export * from './cleaning.ts';
export * from './forges.ts';
export * from './hosts.ts';
export * from './issues.ts';
export * from './landings.ts';
export * from './live-status.ts';
export * from './machines.ts';
export * from './notifications.ts';
export * from './permissions.ts';
export * from './plans.ts';
export * from './repos.ts';
export * from './runs.ts';
export * from './shared-shapes.ts';
export * from './signals.ts';
export * from './traces.ts';
export * from './words.ts';
