/** Copies the store automatically: once a day in a daemon, and before a newer stator changes its schema. */
import type { StorePlace } from '../base/config/config.ts';
import type { Log } from '../base/platform/log.ts';
import { createServiceLoop, type PollLoop, type Troubles } from '../base/platform/poll-loop.ts';
import { listCopies, makeCopy, outdatedSchema } from '../core/store/sqlite/copies.ts';
import { migrations } from '../core/store/sqlite/schema.ts';
import type { EngineState } from './state.ts';
import { backupsFolder } from './store-copies.ts';

interface BackupParts {
  readonly home: string;
  readonly place: StorePlace;
  readonly state: EngineState;
  readonly log: Log;
  readonly troubles: Troubles;
}

const notCopied = { what: 'the store is not copied', isRare: true } as const;

const dayMs = 86_400_000;
/** The interval of checks; the first one comes after a tenth of it, because an engine that has just started has more important work. */
const lookMs = 600_000;

export function createBackupWatch({
  isOwner,
  ...parts
}: BackupParts & { readonly isOwner: () => boolean }): Pick<PollLoop, 'start' | 'stop'> {
  let isFirst = true;
  return createServiceLoop({
    trouble: notCopied,
    troubles: parts.troubles,
    everyMs: lookMs,
    async work() {
      if (isFirst || !isOwner()) {
        isFirst = false;
        return lookMs / 10;
      }
      const nowMs = Date.now();
      await copyWhere(parts, nowMs, async (folder) => {
        const newest = listCopies(folder, nowMs).find(({ schema, atMs }) => schema === null && atMs <= nowMs);
        return newest === undefined || nowMs - newest.atMs >= dayMs ? {} : null;
      });
      return lookMs;
    },
  });
}

/** A copy of the store in its state before this stator changes its schema; none if nothing changes. A failure is reported, and delays nothing. */
export async function copyBeforeMigration(parts: BackupParts): Promise<void> {
  try {
    await copyWhere(parts, Date.now(), async (_folder, file) => {
      const schema = outdatedSchema(file, migrations);
      return schema === null ? null : { schema };
    });
  } catch (thrown) {
    parts.troubles.failed(notCopied, thrown);
  }
}

/** `wanted` returns null if none is due. */
async function copyWhere(
  { home, place, state, log }: BackupParts,
  at: number,
  wanted: (folder: string, file: string) => Promise<{ schema?: number } | null>,
): Promise<void> {
  const keep = state.getSnapshot().context.settings.backups;
  if (keep === 0 || place.kind !== 'file') return;
  const [folder, file] = [backupsFolder(home), place.file];
  const due = await wanted(folder, file);
  if (due === null) return;
  const copy = await makeCopy(file, { folder, keep, at, ...due });
  log.info(`copied the store: ${copy.file}, ${copy.bytes} bytes`);
}
