schedule "nightly" {
  cron     = "0 1 * * *"
  outcomes = [outcome.gest, outcome.staff]
}
trigger "hr" "left" {
  entity  = "person"
  outcome = outcome.leave
  find { handle = event.handle }
}
