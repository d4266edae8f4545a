import { it } from 'vitest';
import { cellOf, leavesOf, writeTable } from './support/cells.ts';
import { alone as machines, contextOf, doneEvent, events } from './support/family.ts';
const rows = {
  agent: 'accept reject finish end rest answered run_starting run_started run_waiting run_going run_idle run_exited run_lost effect_failed timer_due needs_decision agent_kill agent_restart agent_pause agent_resume',
  task: 'start finish end rest answered agent_delivered child_asked done_succeeded done_failed done_cancelled implement_task_finished work_committed work_merged work_conflicted check_passed check_failed effect_failed',
  wave: 'retry extend finish end rest answered child_asked done_succeeded done_failed',
  repo: 'implement_requested implement_released plan_done plan_undone policy repo_degraded repo_recovered repo_paused repo_resumed repo_opened',
  supervisor: 'repo_registered repo_removed supervisor_draining supervisor_stopped supervisor_started supervisor_opened',
};
const out = { at: 5, run: 'x#1', runs: 1, reason: null, detail: '', head: null };
it('gen', () => {
  let text = '';
  for (const [name, list] of Object.entries(rows) as [keyof typeof rows, string][]) {
    const table = new Map<string, Map<string, string>>();
    for (const row of list.split(' ')) {
      const cells = new Map<string, string>();
      for (const leaf of leavesOf(machines[name])) {
        const value = leaf.includes('.') ? { [leaf.split('.')[0] as string]: leaf.split('.')[1] as string } : leaf;
        let context: any = contextOf(name);
        if (name === 'agent' && leaf === 'stopping') context = { ...context, ending: 'timeout' };
        if (name === 'wave') context = {...context, living: {'task-1.1': 1, 'task-2.1': 2}, started: [1, 2]};
        const event: any = row.startsWith('done_') ? doneEvent(name === 'task' ? 'agent' : 'task-1.1', { ...out, outcome: row.slice(5) }) : (events as any)[row];
        let cell; try { cell = cellOf({ machine: machines[name], place: { value, context }, event }); } catch (e) { cell = 'ERR:' + (e as Error).message.slice(0, 60).replaceAll(' ', '_'); }
        cells.set(leaf.split('.').at(-1) as string, cell);
      }
      table.set(row, cells);
    }
    text += `${name}\n${writeTable(table)}\n\n`;
  }
  console.log(text);
});
