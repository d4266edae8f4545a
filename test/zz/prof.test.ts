import { it } from 'vitest';
import { startEngine, begin, planText, untilStatus, ground } from '../support/engine.ts';
const cpu = () => { const u = process.cpuUsage(); return (u.user + u.system) / 1000; };
it('engines', async () => {
  let c = cpu(); let w = Date.now();
  const m = (n: string) => { const d = cpu(); console.log(n, Math.round(d - c), Date.now() - w); c = d; w = Date.now(); };
  const e = await startEngine(); m('start');
  for (let i = 0; i < 10; i++) { await begin(e, `p${i}`, planText(['echo hi > a' + i])); await untilStatus(e, `p${i}`, 'done'); m('plan of one task'); }
});
