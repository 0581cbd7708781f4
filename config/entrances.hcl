# How work begins by itself: an event of a system, or a schedule (cron in UTC). People ask by the command line and HTTP.

trigger "workday" "contract.approved" {
  entity  = "person"
  outcome = outcome.EMP-R-001
  find { worker_id = event.worker.id }
}

schedule "reconcile" {
  cron     = "0 * * * *"
  outcomes = [outcome.EMP-R-001]
}
