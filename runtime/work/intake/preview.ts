/** The plans that an intake would make now. Changes nothing. */
import type { IntakeConfig } from '../../base/config/config.ts';
import type { Store } from '../../core/store/port.ts';
import type { IntakeCountRow } from '../../core/store/rows.ts';
import { mustTakeDeliveries } from './deliveries.ts';
import { dayMs, hourMs, type Room, roomOf } from './room.ts';
import type { Found, SourceParts } from './source.ts';
import { createSource } from './sources/sources.ts';

interface PreviewParts extends SourceParts {
  readonly store: SourceParts['store'] & Pick<Store, 'intakeCounts' | 'intakeSpent'>;
}

interface CountParts {
  readonly store: Pick<Store, 'intakeCounts'>;
  nowMs(): number;
}

export interface Preview {
  readonly room: Room;
  /** The oldest first. */
  readonly found: readonly Found[];
}

/** Throws an `EngineError` if the source cannot be read, and the store's errors. */
export async function previewIntake(config: IntakeConfig, parts: PreviewParts): Promise<Preview> {
  // Without the secret no delivery is accepted. A tracker is polled without one.
  if (config.source === 'webhook') mustTakeDeliveries(config, parts);
  const room = await roomNow(config, parts);
  return { room, found: await createSource(config, parts).look(room) };
}

export async function roomNow(
  config: IntakeConfig,
  { store, nowMs }: CountParts & { readonly store: Pick<Store, 'intakeSpent'> },
): Promise<Room> {
  return roomOf(config, await countsNow(config, { store, nowMs }), (await spentUsd(config, { store, nowMs })) ?? 0);
}

/** The cost of the last day; null: the intake has no budget. */
export async function spentUsd(
  { name: intake, budgetUsd }: Pick<IntakeConfig, 'name' | 'budgetUsd'>,
  { store, nowMs }: { readonly store: Pick<Store, 'intakeSpent'>; nowMs(): number },
): Promise<number | null> {
  if (budgetUsd === null) return null;
  return (await store.intakeSpent({ intake, sinceMs: nowMs() - dayMs }))[0]?.usd ?? 0;
}

export async function countsNow(
  { name }: Pick<IntakeConfig, 'name'>,
  { store, nowMs }: CountParts,
): Promise<Pick<IntakeCountRow, 'recent' | 'open'>> {
  const counts = await store.intakeCounts({ sinceMs: nowMs() - hourMs });
  return counts.find(({ intake }) => intake === name) ?? { recent: 0, open: 0 };
}
