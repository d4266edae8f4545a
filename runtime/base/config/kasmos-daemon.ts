/** Keys of kasmos's daemon.toml that have no effect here, and why: a file that was written for it is taken. */
export const kasmosDaemonKeys: Readonly<Record<string, string>> = {
  poll_interval_sec: 'what happens is seen at once',
  readiness_max_verify_cycles: 'a failed verification is never promoted; max_review_fix_cycles limits the rounds',
  pr_monitor: 'the open pull requests of plans are always watched',
  pr_creator: 'auto_create_pr says whether a pull request is made',
  linear_trigger_monitor: 'no tracker of issues is watched',
};
