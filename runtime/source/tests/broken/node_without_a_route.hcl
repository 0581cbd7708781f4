runbook "r" {
  plan = "p"
  variant "v1" {
    node "invite" { awf = chat.invite }
  }
}
