runbook "r" {
  plan = "p"
  variant "v1" {
    node "first" { awf = idp.add_member }
    node "second" { awf = idp.add_member }
  }
}
