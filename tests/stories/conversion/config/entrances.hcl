# Every hour everybody is looked at.
schedule "reconcile" {
  cron     = "0 * * * *"
  outcomes = [outcome.contractor, outcome.employee, outcome.equipment]
}
