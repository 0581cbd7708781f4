route "remove" "workforce" "ends" {
  awf = hr.shred
  with {
    worker = person.handle
    date   = "2026-11-21"
  }
}
runbook "r" {
  plan = "p"
  variant "v1" {
    node "shred" { awf = hr.shred }
  }
}
