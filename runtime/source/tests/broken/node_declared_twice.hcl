runbook "r" {
  plan = "p"
  variant "v1" {
    node "a" { awf = hr.set_end }
    node "a" { awf = idp.create_user }
  }
}
