schedule "a" {
  cron     = "0 25 * * *"
  outcomes = [outcome.guest]
}
schedule "b" {
  cron     = "* * * * * *"
  outcomes = [outcome.guest]
}
schedule "c" {
  cron     = "@hourly"
  outcomes = [outcome.guest]
}
