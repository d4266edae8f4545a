/** User-defined machines whose effects do not start, as a whole or in one lane. So a pause survives the end of the engine. */
import type { ChangeOf } from '../port.ts';
import type { MachinePause } from '../rows.ts';
import type { Connection } from './connection.ts';

export function createMachinePauseTable(db: Connection) {
  const list = db.prepare<[], MachinePause>(
    'SELECT machine, lane, paused_at AS "pausedAt" FROM machine_pauses ORDER BY machine, lane',
  );
  const pause = db.prepare(
    'INSERT INTO machine_pauses (machine, lane, paused_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
  );
  const resume = db.prepare('DELETE FROM machine_pauses WHERE machine = ? AND lane = ?');
  return {
    list: () => list.all(),
    /** What is paused already keeps its time. */
    pause: ({ machine, lane, at }: ChangeOf<'machine.pause'>) => pause.run(machine, lane, at),
    resume: ({ machine, lane }: ChangeOf<'machine.resume'>) => resume.run(machine, lane),
  };
}
