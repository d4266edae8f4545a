import fc from 'fast-check';
import { it } from 'vitest';
import { actorsOf, snapshotOf } from '../actors/addressee.ts';
import { stateText } from '../actors/recorder.ts';
import { defaultPolicy } from '../machines/policy.ts';
import { createWorld, plan } from './support/chaos.ts';
import { move } from './support/chaos-moves.ts';
import { planText } from './support/simulation.ts';
it('cov', () => {
  const counts = new Map<string, number>();
  const small = fc.nat({ max: 1000 });
  fc.assert(fc.property(fc.array(fc.record({ kind: small, a: small, b: small, drains: fc.boolean() }), {minLength: 50, maxLength: 120, size: 'max'}), fc.boolean(), fc.boolean(), fc.boolean(), fc.boolean(), (list, p, ar, r, v) => {
    const d = defaultPolicy;
    const policy = {...d, blueprint_skip_threshold: p ? 9 : 0, roles: {...d.roles, planner: {...d.roles.planner, on: p}, architect: {...d.roles.architect, on: ar}, reviewer: {...d.roles.reviewer, on: r, speaksByExit: p}, verifier: {...d.roles.verifier, on: v, speaksByExit: p}}};
    const world = createWorld({ policy, content: planText([3,2], '**Check:** true') });
    for (const m of list) {
      move(world, m);
      for (const actor of actorsOf(world.root(plan))) {
        const s = snapshotOf(actor);
        const k = s.machine.id === 'plan' ? 'plan ' + world.lifecycle() + ' ' + (s.value as any).attention : s.machine.id + ' ' + stateText(s.value);
        counts.set(k, (counts.get(k) ?? 0) + 1);
      }
    }
  }), { numRuns: 400 });
  console.log([...counts].sort().map(([k, n]) => `${n}\t${k}`).join('\n'));
});
