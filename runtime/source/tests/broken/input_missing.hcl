runbook "r" {
  plan = "p"
  variant "v1" {
    node "greet" { awf = chat.greet }
  }
}
