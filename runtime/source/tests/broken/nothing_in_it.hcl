outcome "x" {
  entity = "person"
  for    = true
}
runbook "r" {
  plan = "p"
}
runbook "s" {
  plan = "p"
  variant "v1" {
  }
}
schedule "never" {
  cron     = "0 0 * * *"
  outcomes = []
}
