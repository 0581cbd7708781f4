runbook "r" {
  plan = "p"
  variant "v1" {
    node "a" { awf = idp.create_usr }
    node "b" { awf = chat.dance }
    node "c" { awf = idp.create.user }
  }
}
