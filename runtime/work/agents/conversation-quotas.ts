/** The rest of an account's limits, read from the file of a run's conversation, for programs whose output does not report it. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Preset } from '../../base/config/config.ts';
import { isProgramPreset } from '../../base/config/preset-programs.ts';
import type { RunRow } from '../../core/store/rows.ts';
import { knownProgram, programOf } from './presets/programs.ts';
import type { ProgramReport, Quota } from './reports/report.ts';
import { type RunFolder, writeStartFile } from './run-folder.ts';

type Place = Pick<RunFolder, 'path'>;

/** Records where the run's program stores its conversations; written before the launch, where the agent cannot write inside walls. */
export function noteConversations(folder: Place, preset: Preset, conversations: string | null): void {
  if (conversations === null || knownProgram(preset)?.quotasIn === undefined) return;
  writeStartFile(conversationsFile(folder), conversations);
}

/** The limits in the run's output; if there are none, those in its conversation since the run started. */
export function quotasOf(
  { preset, started_at: startedAt }: Pick<RunRow, 'preset' | 'started_at'>,
  { folder, report }: { readonly folder: Place; readonly report: ProgramReport | null },
): readonly Quota[] {
  const reported = report?.quotas ?? [];
  const file = conversationsFile(folder);
  const quotasIn = preset === null || !isProgramPreset(preset) ? undefined : programOf(preset).quotasIn;
  const conversation = report?.conversation ?? null;
  if (reported.length > 0 || quotasIn === undefined || conversation === null || !existsSync(file)) return reported;
  return quotasIn(readFileSync(file, 'utf8'), { conversation, sinceMs: startedAt ?? 0 });
}

function conversationsFile({ path }: Place): string {
  return join(path, 'conversations');
}
