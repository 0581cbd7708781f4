outcome "x" { for = }
#--- other.hcl
schedule "nightly" {
  cron     = "0 25 * * *"
  outcomes = [outcome.guest]
}
