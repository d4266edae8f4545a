/** What an intake would make plans of now. Changes nothing. */
import type { IntakeConfig } from '../../base/config/config.ts';
import type { Store } from '../../core/store/port.ts';
import { hourMs, type Room, roomOf } from './room.ts';
import type { Found, SourceParts } from './source.ts';
import { createSource } from './sources.ts';

interface PreviewParts extends SourceParts {
  readonly store: SourceParts['store'] & Pick<Store, 'intakeCounts'>;
}

export interface Preview {
  readonly room: Room;
  /** The oldest first. */
  readonly found: readonly Found[];
}

/** Throws an `EngineError` if the source cannot be looked at, and the store's errors. */
export async function previewIntake(config: IntakeConfig, parts: PreviewParts): Promise<Preview> {
  return { room: await roomNow(config, parts), found: await createSource(config, parts).look() };
}

export async function roomNow(
  config: IntakeConfig,
  { store, nowMs }: Pick<PreviewParts, 'store' | 'nowMs'>,
): Promise<Room> {
  const counts = await store.intakeCounts({ sinceMs: nowMs() - hourMs });
  return roomOf(config, counts.find(({ intake }) => intake === config.name) ?? { recent: 0, open: 0 });
}
