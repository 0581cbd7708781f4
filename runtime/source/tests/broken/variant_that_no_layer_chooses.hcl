runbook "r" {
  plan = "p"
  variant "v1" {
    node "account" { awf = idp.create_user }
  }
  variant "v2" {
    node "end" { awf = hr.set_end }
  }
}
outcome "x" {
  entity  = "person"
  for     = person.country == "MX" && person.kind == "staff"
  runbook = runbook.r
  identity { groups = [group.staff] }
}
