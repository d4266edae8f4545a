/** Named windows between two writes. A test that kills the engine at each of them is the proof that the window is harmless. */
export const faultPoints = [
  'pump.after-begin',
  'pump.before-commit',
  'pump.after-commit',
  'lanes.after-claim',
  'lanes.before-settle',
  'lanes.after-settle',
  'agent-run.before-worktree',
  'agent-run.before-spawn',
  'agent-run.after-spawn',
  'agent-run.after-exit',
  'agent-run.before-collect',
  'agent-run.after-collect',
  'commit.before-commit',
  'commit.after-commit',
  'merge.before-update-ref',
  'merge.after-update-ref',
  'worktree.before-remove',
  'plan-merge.before-merge',
  'plan-merge.after-merge',
  'plan-pull.before-push',
  'plan-pull.after-push',
  'plan-pull.after-create',
  'undo.before-reset',
  'hook.before-send',
  'hook.after-send',
  'setup.before-copy',
  'setup.after-copy',
  'gc.after-rename',
  'gc.before-row',
  'gc.before-worktree',
  'gc.before-marks',
  'gateway.after-rename',
  'gateway.after-insert',
  'gateway.before-unlink',
  'store.after-begin',
  'store.between',
  'store.before-commit',
  'store.after-commit',
  'engine.before-stop',
] as const;
export type FaultPoint = (typeof faultPoints)[number];

/** Called at each point; what it does there is the test's business. */
export type Faults = (point: FaultPoint) => void;

export const noFaults: Faults = () => {};
